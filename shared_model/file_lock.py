"""Advisory locks (flock) on files and folders; the operating system frees those of a process that ends."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared_model.errors import PneumofedError

_POLL_S = 0.02


@contextmanager
def exclusive(
    path: Path, *, create: bool = True, refusal: PneumofedError | None = None, wait_s: float = 0
) -> Iterator[int]:
    """Hold `path` alone for the block, which gets its file descriptor.

    create: make the file (mode 0600) if it is missing, and open it for reading and writing; otherwise `path`,
    a file or a folder, must exist and is opened for reading only.
    refusal: raised if somebody else holds `path` for longer than `wait_s` seconds. Without it this waits for
    as long as that takes. Raises OSError if `path` cannot be opened.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT if create else os.O_RDONLY, 0o600)
    try:
        if refusal is None:
            fcntl.flock(handle, fcntl.LOCK_EX)
        elif not _lock_within(handle, wait_s):
            raise refusal
        yield handle
    finally:
        os.close(handle)


@contextmanager
def shared(path: Path) -> Iterator[int]:
    """Hold an existing `path` together with others for the block, which gets its file descriptor for reading.

    Waits while somebody holds it alone. Raises OSError if `path` cannot be opened.
    """
    handle = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH)
        yield handle
    finally:
        os.close(handle)


def share_until_exit(path: Path) -> None:
    """Like `shared`, but until this process ends."""
    fcntl.flock(os.open(path, os.O_RDONLY), fcntl.LOCK_SH)


def is_held(path: Path) -> bool:
    """Whether somebody holds `path` alone; False if there is no such file. Locks it for an instant."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _lock_within(handle: int, wait_s: float) -> bool:
    """Whether the lock was free within `wait_s` seconds."""
    deadline = time.monotonic() + wait_s
    while not _lock_now(handle):
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_S)
    return True


def _lock_now(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
