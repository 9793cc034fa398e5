"""One factory for the Grids that simulate hospitals on this machine."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

from flwr.serverapp import Grid

from deploy.simulation.local_grid import SiteFn
from deploy.simulation.ray_grid import ray_workers
from deploy.simulation.worker_grid import WorkerGrid, process_workers
from preprocessing.processes import cores

Engine = Literal["local", "ray"]
"""What runs the hospitals' tasks: plain worker processes, or Ray's."""

POLL_S = 0.02
"""How long the round loop may sleep between two pulls from such a Grid."""

_WORKERS = {"local": process_workers, "ray": ray_workers}


@contextmanager
def open_grid(engine: Engine, site_fn: SiteFn, hospitals: Sequence[str]) -> Iterator[Grid]:
    """A Grid of one node per hospital, whose tasks run in one worker process of one thread per core.

    Small networks gain more from two processes than from two threads. The last bits of a weight may depend on
    the number of threads, so with one thread they do not depend on the machine (docs/decisions/0033).
    Raises PneumofedError `ray-missing`.
    """
    with _WORKERS[engine](site_fn, hospitals, cores()) as submit:
        yield WorkerGrid(site_fn, hospitals, submit)
