"""Engine `ray`: many virtual hospitals on one machine, each task in one of Ray's worker processes.

Needs the extra `simulation`. The round loop and the ClientApp are those of the other engines; for the same
study, seed and hospitals the weights are, bit for bit, those of `local` with as many threads a task.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from flwr.app import Message

from deploy.engines import LocalGrid, OpenSite, client_app
from shared_model.errors import PneumofedError


class RayGrid(LocalGrid):
    """One node a hospital; a task runs as soon as one of Ray's workers is free.

    threads: of torch in each task. gpus: share of a GPU that a task is given, 0.25 for four at a time.
    """

    def __init__(
        self, open_site: OpenSite, hospitals: Sequence[str], *, threads: int, gpus: float = 0.0
    ) -> None:
        import ray

        super().__init__(client_app(open_site), hospitals)
        self._answers: dict[str, Any] = {}
        task = ray.remote(num_cpus=1, num_gpus=gpus)(_answer)
        names = tuple(hospitals)
        self._start = lambda message: task.remote(open_site, names, threads, message)

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        ids = []
        for message in messages:
            ids.append(self._push(message))
            self._answers[ids[-1]] = self._start(self._waiting.pop(ids[-1]))
        return ids

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        import ray

        asked = [number for number in message_ids if number in self._answers]
        done = [number for number in asked if ray.wait([self._answers[number]], timeout=0)[0]]
        return [ray.get(self._answers.pop(number)) for number in done]


@contextmanager
def ray_workers(count: int) -> Iterator[None]:
    """Ray on this machine alone, for as long as the block runs. Raises PneumofedError `ray-missing`."""
    try:
        import ray
    except ImportError:
        raise PneumofedError(
            "ray-missing", "Ray is not installed; install pneumofed with its extra: pneumofed[simulation]"
        ) from None
    ray.init(num_cpus=count, include_dashboard=False, log_to_driver=False, configure_logging=False)
    try:
        yield
    finally:
        ray.shutdown()


@lru_cache(maxsize=1)
def _local(open_site: OpenSite, hospitals: tuple[str, ...]) -> LocalGrid:
    """In a worker: what answers there, kept between tasks."""
    return LocalGrid(client_app(open_site), hospitals)


def _answer(open_site: OpenSite, hospitals: tuple[str, ...], threads: int, message: Message) -> Message:
    """In a worker: a task's reply."""
    import torch

    torch.set_num_threads(threads)
    return _local(open_site, hospitals)._answer(message)
