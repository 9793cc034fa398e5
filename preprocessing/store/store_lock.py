"""One writer per store: locks on its folders.

`prepare` locks the store's folder. Its workers share a lock on `studies`: if `prepare` is killed, they live
on for a moment and may be putting a scan in its place (docs/decisions/0012).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared_model.errors import PneumofedError
from shared_model.file_lock import exclusive, share_until_exit

_WORKERS_END_S = 10.0  # orphaned workers notice sooner


@contextmanager
def locked(folder: Path, *, wait_s: float = 0) -> Iterator[None]:
    """Hold `folder` alone. Raises `store-busy` if another process holds it for longer than `wait_s`."""
    reason = "another process is writing to this store; wait for it to end and run this again"
    with exclusive(folder, create=False, refusal=PneumofedError("store-busy", reason), wait_s=wait_s):
        yield


@contextmanager
def only_writer(store: Path) -> Iterator[None]:
    """Be the store's only writer, after the workers of a killed one have ended. Raises `store-busy`."""
    with locked(store):
        with locked(store / "studies", wait_s=_WORKERS_END_S):
            pass
        yield


def join_writer(store: Path) -> None:
    """Register this process, a worker, as writing to the store until it ends."""
    share_until_exit(store / "studies")
