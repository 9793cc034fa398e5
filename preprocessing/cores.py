"""The processor cores there are to share the work between, and the processes that do."""

import os
from multiprocessing import get_context
from multiprocessing.context import ForkServerContext


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def worker_context() -> ForkServerContext:
    """Where worker processes come from: forks of a small server that has loaded the work once.

    A process of its own takes two seconds to load it, for each pool and each core anew.
    """
    context = get_context("forkserver")
    context.set_forkserver_preload(["__main__", "preprocessing.prepare", "preprocessing.phantom.hospital"])
    return context
