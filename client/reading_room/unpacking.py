"""Unpacks an archive into a folder, under numbers: no byte of the archive is in a path."""

import zipfile
from collections.abc import Callable
from pathlib import Path
from zlib import error as ZlibError  # noqa: N812

from client.reading_room.upload_refusals import upload_refused
from client.reading_room.zip_directory import PIECE, checked_files, opened_zip


def unpack(
    path: Path, folder: Path, *, most_files: int, most_bytes: int, alive: Callable[[], None]
) -> list[Path]:
    """Unpack every file of the archive at `path` into the new `folder`; returns them in its order.

    `alive` is called after each MiB and raises to end this. Raises PneumofedError with a code of
    UPLOAD_REFUSALS, OSError of the file system; `folder` may then hold some files.
    """
    folder.mkdir()
    with opened_zip(path, most_files=most_files) as archive:
        entries = checked_files(
            archive, archive_bytes=path.stat().st_size, most_files=most_files, most_bytes=most_bytes
        )
        files = []
        for number, entry in enumerate(entries):
            files.append(folder / f"{number:06d}")
            _unpack_file(archive, entry, files[-1], alive)
    return files


def _unpack_file(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, alive: Callable[[], None]
) -> None:
    """Raises PneumofedError `zip-broken` unless the file is as long as the directory says."""
    written = 0
    try:
        with archive.open(entry) as source, target.open("xb") as file:
            while piece := source.read(PIECE):
                written += len(piece)
                if written > entry.file_size:
                    break
                file.write(piece)
                alive()
    except ZlibError:
        raise upload_refused("zip-broken") from None
    if written != entry.file_size:
        raise upload_refused("zip-broken")
