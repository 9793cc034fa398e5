"""A fingerprint of the files in a study's folder: whether they are those that a diagnosis was made of."""

import hashlib
import os
from pathlib import Path

from preprocessing.reading.file_walk import walk_files


def files_digest(folder: Path) -> str:
    """SHA-256 of names, sizes and times of all files under `folder`, as hex digits.

    Nothing in a file is read, so a folder of 1,000 files takes milliseconds. A file that is added, removed,
    renamed, or written again changes it.
    """
    digest = hashlib.sha256()
    for path, _ in walk_files(folder):
        try:
            status = path.stat()
            facts = f"{status.st_size} {status.st_mtime_ns}"
        except OSError:
            facts = "unreadable"
        digest.update(os.fsencode(path.relative_to(folder)) + f"\0{facts}\0".encode())
    return digest.hexdigest()
