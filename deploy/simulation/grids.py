"""The engines that have all hospitals on this machine, by name."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

from flwr.serverapp import Grid

from deploy.simulation.local_grid import OpenSite
from deploy.simulation.ray_grid import ray_workers
from deploy.simulation.worker_grid import WorkerGrid, process_workers
from preprocessing.processes import cores

Engine = Literal["local", "ray"]

POLL_S = 0.02
"""How long the round loop may sleep between looks at a grid."""

_WORKERS = {"local": process_workers, "ray": ray_workers}


@contextmanager
def engine_of(name: Engine, open_site: OpenSite, hospitals: Sequence[str]) -> Iterator[Grid]:
    """Hospitals in as many processes of one thread each as there are cores: plain ones, or Ray's.

    Small networks gain more from two processes than from two threads, and the last bits of a weight, which
    may depend on the number of threads, do not depend on the machine's.
    Raises PneumofedError `ray-missing`.
    """
    with _WORKERS[name](open_site, hospitals, cores()) as start:
        yield WorkerGrid(open_site, hospitals, start)
