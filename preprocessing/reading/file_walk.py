"""Lists all files under a folder, following symbolic links without loops; unreadable entries are refused."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from preprocessing.reading.refusals import FileRefusedError

Found = tuple[Path, FileRefusedError | None]
_Identity = tuple[int, int]


def walk_files(folder: Path) -> Iterator[Found]:
    """Yield each file under `folder`, sorted by name within a folder, with a refusal if it is not readable.

    Links to folders are followed and each folder is visited once. A link to a folder that contains it is
    refused with `symlink-loop`. Never raises.
    """
    if not folder.is_dir():
        yield folder, None
        return
    yield from _files(folder, (), set())


def _files(folder: Path, above: tuple[_Identity, ...], seen: set[_Identity]) -> Iterator[Found]:
    try:
        status = folder.stat()
        identity = (status.st_dev, status.st_ino)
        if identity in above:
            yield folder, FileRefusedError("symlink-loop")
            return
        if identity in seen:
            return
        seen.add(identity)
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        yield folder, FileRefusedError("folder-unreadable")
        return
    for entry in entries:
        try:
            is_folder, kind = entry.is_dir(), entry.stat().st_mode
        except OSError:  # a broken link, or one to itself
            yield Path(entry.path), FileRefusedError("file-unreadable")
            continue
        if is_folder:
            yield from _files(Path(entry.path), (*above, identity), seen)
        else:
            yield Path(entry.path), None if stat.S_ISREG(kind) else FileRefusedError("not-a-file")
