"""Zip archives written byte by byte (APPNOTE.TXT 4.3), so that every field can lie; and images to put in."""

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO

from tests.support.pacs import small_dataset


@dataclass(frozen=True)
class Entry:
    """One entry. mode: of Unix; declared: in place of its size; crc: in place of the right one."""

    name: bytes | str
    data: bytes = b""
    flags: int = 0x800
    method: int = 8
    mode: int = 0o100644
    declared: int | None = None
    crc: int | None = None

    @property
    def stored_name(self) -> bytes:
        return self.name if isinstance(self.name, bytes) else self.name.encode()

    @property
    def packed(self) -> bytes:
        if self.method != 8:
            return self.data
        deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
        return deflate.compress(self.data) + deflate.flush()

    @property
    def fields(self) -> bytes:
        """From version needed to the length of the name."""
        size = len(self.data) if self.declared is None else self.declared
        crc = zlib.crc32(self.data) if self.crc is None else self.crc
        return struct.pack(
            "<HHHHHIIIHH", 20, self.flags, self.method, 0, 0x21, crc, len(self.packed), size,
            len(self.stored_name), 0,
        )  # fmt: skip


def raw_zip(entries: Iterable[Entry]) -> bytes:
    """The archive of `entries`, in their order."""
    body, directory, count = b"", b"", 0
    for entry in entries:
        rest = struct.pack("<HHHII", 0, 0, 0, entry.mode << 16, len(body))
        directory += b"PK\1\2" + struct.pack("<H", 3 << 8 | 20) + entry.fields + rest + entry.stored_name
        body += b"PK\3\4" + entry.fields + entry.stored_name + entry.packed
        count += 1
    end = struct.pack("<HHHHIIH", 0, 0, count, count, len(directory), len(body), 0)
    return body + directory + b"PK\5\6" + end


def image_bytes(number: int = 0, **tags: object) -> bytes:
    """A file with a CT image of 4 x 4 pixels; see tests/support/pacs.py."""
    file = BytesIO()
    small_dataset(number, **tags).save_as(file, enforce_file_format=True)
    return file.getvalue()


def study_zip(images: int = 3, **tags: object) -> bytes:
    """An archive with a study of so many images."""
    return raw_zip(Entry(f"study/{number}", image_bytes(number, **tags)) for number in range(images))
