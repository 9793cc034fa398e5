"""One writer a store: advisory locks on its folders, which end with the process that holds them.

`prepare` locks the store's folder. Its workers share a lock on `studies`, for when `prepare` is killed they
live on for a moment and may just be putting a study in its place.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared_model.errors import PneumofedError

_PATIENCE_S = 10.0  # longer than orphaned workers need to notice
_POLL_S = 0.02


@contextmanager
def locked(folder: Path, *, patience_s: float = 0) -> Iterator[None]:
    """Hold `folder` alone. Raises `store-busy` where another process has it longer than `patience_s`."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        deadline = time.monotonic() + patience_s
        while not _take(handle):
            if time.monotonic() >= deadline:
                reason = "another process is writing to this store; wait for it to end and run this again"
                raise PneumofedError("store-busy", reason)
            time.sleep(_POLL_S)
        yield
    finally:
        os.close(handle)


@contextmanager
def only_writer(store: Path) -> Iterator[None]:
    """Be the store's only writer; workers of a killed one are waited for. Raises `store-busy`."""
    with locked(store):
        with locked(store / "studies", patience_s=_PATIENCE_S):
            pass
        yield


def join_writer(store: Path) -> None:
    """Say, in a worker, that it writes to the store as long as it lives."""
    fcntl.flock(os.open(store / "studies", os.O_RDONLY), fcntl.LOCK_SH)


def _take(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
