"""What a zip archive says of itself, checked before anything of it is unpacked (APPNOTE.TXT 4.3, 4.4)."""

import stat
import struct
import unicodedata
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from client.reading_room.upload_refusals import upload_refused

MOST_RATIO = 100
"""Unpacked to packed, of the whole archive; CT images reach 10."""
SMALL_BYTES = 64 << 20
"""What unpacks to less is no bomb."""

PIECE = 1 << 20
"""What is read of an archive at a time, its directory apart."""
_DIRECTORY_BYTES = 512  # of the directory, for each file that is permitted: an entry has 46, and its name
_BEGIN = b"PK\3\4"  # of an archive's first file, APPNOTE 4.3.7
_ENCRYPTED = 0x1 | 0x40 | 0x2000  # APPNOTE 4.4.4: encrypted, strongly, and the directory too
_UTF8 = 0x800
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_BROKEN = (
    zipfile.BadZipFile, EOFError, IndexError, NotImplementedError, OverflowError, RuntimeError, ValueError,
    struct.error,
)  # fmt: skip


@contextmanager
def opened_zip(path: Path, *, most_files: int) -> Iterator[zipfile.ZipFile]:
    """The archive at `path`; its directory is read in bounded memory.

    Raises PneumofedError `not-a-zip`, `zip-broken`, `too-many-files`, `names-not-utf8`, also for what a
    damaged archive makes the block raise; OSError.
    """
    with path.open("rb") as file:
        if not zipfile.is_zipfile(file):  # which looks for the archive's end alone
            file.seek(0)
            raise upload_refused("zip-broken" if file.read(len(_BEGIN)) == _BEGIN else "not-a-zip")
        try:
            with zipfile.ZipFile(_BoundedReads(file, _DIRECTORY_BYTES * most_files + PIECE)) as archive:
                yield archive
        except UnicodeDecodeError:
            raise upload_refused("names-not-utf8") from None
        except _BROKEN:
            raise upload_refused("zip-broken") from None


class _BoundedReads:
    """The file of an archive; zipfile reads a directory of any announced length in one piece."""

    def __init__(self, file: BinaryIO, most: int) -> None:
        self._file, self._most = file, most
        self.seek, self.tell, self.close = file.seek, file.tell, file.close

    def seekable(self) -> bool:
        return True

    def read(self, count: int = -1) -> bytes:
        if count > self._most:
            raise upload_refused("too-many-files")
        return self._file.read(count)


def checked_files(
    archive: zipfile.ZipFile, *, archive_bytes: int, most_files: int, most_bytes: int
) -> Sequence[zipfile.ZipInfo]:
    """The files of the archive, folders left out, if everything that it announces may be unpacked.

    archive_bytes: its size; most_bytes: of all files unpacked. Raises PneumofedError with a code of
    UPLOAD_REFUSALS.
    """
    entries = archive.infolist()
    if len(entries) > most_files:
        raise upload_refused("too-many-files")
    for entry in entries:
        _check_entry(entry)
    names = [_comparable(_name(entry)) for entry in entries]
    if len(set(names)) < len(names):
        raise upload_refused("duplicate-names")
    if entries and min(entry.header_offset for entry in entries) > 0:  # something stands before the archive
        raise upload_refused("zip-broken")
    packed, unpacked = (sum(getattr(one, size) for one in entries) for size in ("compress_size", "file_size"))
    if packed > archive_bytes or unpacked > max(MOST_RATIO * archive_bytes, SMALL_BYTES):
        raise upload_refused("zip-bomb")
    if unpacked > most_bytes:
        raise upload_refused("unpacked-too-large")
    return [entry for entry in entries if not entry.is_dir()]


def _check_entry(entry: zipfile.ZipInfo) -> None:
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if entry.flag_bits & _ENCRYPTED:
        raise upload_refused("zip-encrypted")
    if entry.compress_type not in _METHODS:
        raise upload_refused("zip-method")
    if kind == stat.S_IFLNK:
        raise upload_refused("zip-link")
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise upload_refused("zip-device")
    if _leads_out(_name(entry)):
        raise upload_refused("unsafe-path")


def _name(entry: zipfile.ZipInfo) -> str:
    """The name as it is stored, which `ZipInfo.filename` cuts at a NUL. Raises PneumofedError."""
    if entry.flag_bits & _UTF8:
        return entry.orig_filename
    try:  # zipfile reads these bytes as code page 437, in which each stands for a character
        return entry.orig_filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        raise upload_refused("names-not-utf8") from None


def _leads_out(name: str) -> bool:
    plain = name.replace("\\", "/")
    has_drive = plain[1:2] == ":"
    return "\0" in name or plain.startswith("/") or has_drive or ".." in plain.split("/")


def _comparable(name: str) -> str:
    parts = name.replace("\\", "/").split("/")
    return unicodedata.normalize("NFC", "/".join(part for part in parts if part not in ("", ".")))
