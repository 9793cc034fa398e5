"""Worker processes: how many there can be, where they come from, and starting them without interruption."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def worker_context() -> ForkServerContext:
    """Worker processes are forks of a small server process that has imported the modules once.

    A new process for each worker of each pool would take two seconds to import them.
    """
    context = get_context("forkserver")
    context.set_forkserver_preload(["__main__", "preprocessing.prepare", "preprocessing.phantom.hospital"])
    return context


def exit_with_parent() -> None:
    """In a worker: end it as soon as the process that started it has ended, also by SIGKILL."""
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_exit_after, args=(parent,), daemon=True).start()


def _exit_after(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Delay a person's interrupt (Ctrl-C) while worker processes are started; it is raised afterwards.

    If the command ended while a worker starts, the worker would not find what it was given, and would print a
    long traceback.
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
