"""One factory for the Grids that simulate hospitals on this machine."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

from flwr.serverapp import Grid

from deploy.simulation.local_grid import LocalGrid, SiteFn, client_app
from deploy.simulation.ray_grid import ray_workers
from deploy.simulation.worker_grid import WorkerGrid, process_workers
from preprocessing.processes import cores

Engine = Literal["local", "workers", "ray"]
"""What runs the hospitals' tasks: this process, one after the other; worker processes; or Ray's workers."""

POLL_S = 0.02
"""How long the round loop may sleep between two pulls from such a Grid."""

WORKERS_ON_GPU = 4
"""The most workers that share a GPU: each holds its own networks and features there."""


@contextmanager
def open_grid(
    engine: Engine, site_fn: SiteFn, hospitals: Sequence[str], *, on_gpu: bool = False
) -> Iterator[Grid]:
    """A Grid of one node per hospital.

    Workers compute on one thread each, as many as there are cores, on a GPU at most WORKERS_ON_GPU: small
    networks gain more from two processes than from two threads, and the last bits of a weight may depend on
    the number of threads, so with one thread they do not depend on the machine (docs/decisions/0033).
    Raises PneumofedError `ray-missing`.
    """
    if engine == "local":
        yield LocalGrid(client_app(site_fn), hospitals)
        return
    count = min(cores(), WORKERS_ON_GPU) if on_gpu else cores()
    if engine == "ray":
        with ray_workers(site_fn, hospitals, count, gpus=1 / count if on_gpu else 0.0) as submit:
            yield WorkerGrid(site_fn, hospitals, submit)
    else:
        with process_workers(site_fn, hospitals, count) as submit:
            yield WorkerGrid(site_fn, hospitals, submit)
