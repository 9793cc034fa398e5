"""The engines that have all hospitals on this machine, by name."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal, NamedTuple

from flwr.serverapp import Grid

from deploy.engines import LocalGrid, OpenSite, client_app
from preprocessing.cores import cores

Engine = Literal["local", "ray"]


class Carried(NamedTuple):
    """A grid, and how long the round loop may sleep between looks at it."""

    grid: Grid
    poll_s: float


@contextmanager
def engine_of(name: Engine, open_site: OpenSite, hospitals: Sequence[str]) -> Iterator[Carried]:
    """`local`: one hospital after the other in this process; `ray`: in as many processes as there are cores.

    Both compute with this process's number of torch threads a task, on which the last bits may depend.
    Raises PneumofedError `ray-missing`.
    """
    if name == "local":
        yield Carried(LocalGrid(client_app(open_site), hospitals), 0.0)
        return
    import torch

    from deploy.ray_engine import RayGrid, ray_workers

    with ray_workers(cores()):
        yield Carried(RayGrid(open_site, hospitals, threads=torch.get_num_threads()), 0.05)
