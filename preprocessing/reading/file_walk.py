"""Lists all files under a folder, following symbolic links without loops; unreadable entries are refused."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from preprocessing.reading.refusals import FileRefusedError

Found = tuple[Path, FileRefusedError | None]
_Identity = tuple[int, int]
# Folders that storage systems and archivers keep beside one's own.
_SYSTEM_FOLDERS = ("@eadir", "#recycle", "#snapshot", "@recycle", "@tmp", "__macosx", "lost+found",
                   "$recycle.bin", "system volume information", "found.000")  # fmt: skip


def is_system_folder(name: str) -> bool:
    """Whether a folder of this name belongs to the storage system or an archiver, not to a person."""
    return name.lower() in _SYSTEM_FOLDERS


def walk_files(folder: Path) -> Iterator[Found]:
    """Yield each file under `folder`, sorted by name within a folder, with a refusal if it is not readable.

    Links to folders are followed and each folder is visited once. A link to a folder that contains it is
    refused with `symlink-loop`. System folders are left out. Never raises.
    """
    if not folder.is_dir():
        yield folder, None
        return
    seen: set[_Identity] = set()
    above: set[_Identity] = set()
    # What is still to do, last first: a folder or a file, or the end of the folder of this identity.
    waiting: list[Path | Found | _Identity] = [folder]
    while waiting:
        next_one = waiting.pop()
        if isinstance(next_one, Path):
            entered = _enter(next_one, above, seen)
            waiting += entered
        elif isinstance(next_one[0], Path):
            yield next_one
        else:
            above.discard(next_one)


def _enter(folder: Path, above: set[_Identity], seen: set[_Identity]) -> list[Path | Found | _Identity]:
    """What a folder holds, last first, and below it the mark of its end."""
    try:
        status = folder.stat()
        identity = (status.st_dev, status.st_ino)
        if identity in above:
            return [(folder, FileRefusedError("symlink-loop"))]
        if identity in seen:
            return []
        seen.add(identity)
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name, reverse=True)
    except OSError:
        return [(folder, FileRefusedError("folder-unreadable"))]
    above.add(identity)
    found: list[Path | Found | _Identity] = [identity]
    return found + [one for entry in entries if (one := _entry(entry)) is not None]


def _entry(entry: "os.DirEntry[str]") -> Path | Found | None:
    path = Path(entry.path)
    try:
        if entry.is_dir():
            return None if is_system_folder(entry.name) else path
        regular = stat.S_ISREG(entry.stat().st_mode)
    except OSError:  # a broken link, or one to itself
        return path, FileRefusedError("file-unreadable")
    return path, None if regular else FileRefusedError("not-a-file")
