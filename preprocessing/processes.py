"""Worker processes: where they come from, and starting them undisturbed."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.context import ForkServerContext


def worker_context() -> ForkServerContext:
    """Where worker processes come from: forks of a small server that has loaded the work once.

    A process of its own takes two seconds to load it, for each pool and each core anew.
    """
    context = get_context("forkserver")
    context.set_forkserver_preload(["__main__", "preprocessing.prepare", "preprocessing.phantom.hospital"])
    return context


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold a person's interrupt back while worker processes are started; it is raised afterwards.

    A worker whose command has ended while it was starting finds nothing of what it was given, and
    says so at length.
    """
    at_first = signal.getsignal(signal.SIGINT)
    on_main_thread = threading.current_thread() is threading.main_thread()
    if at_first is not signal.default_int_handler or not on_main_thread:
        yield
        return
    held: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: held.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, at_first)
    if held:
        raise KeyboardInterrupt
