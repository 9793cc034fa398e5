"""A Grid whose hospitals work in parallel in worker processes, and the plain processes for it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from multiprocessing import get_context

from flwr.app import Message

from client.learning.malloc_settings import keep_freed_memory
from deploy.simulation.local_grid import LocalGrid, SiteFn, client_app
from preprocessing.processes import exit_with_parent
from shared_model.errors import PneumofedError

Submit = Callable[[str, Message], Future[Message]]
"""Submits a hospital's request (the hospital's name, the message) to a worker; the reply as a Future."""


class WorkerGrid(LocalGrid):
    """One node per hospital; a request is worked off as soon as a worker is free for it."""

    def __init__(self, site_fn: SiteFn, hospitals: Sequence[str], submit: Submit) -> None:
        super().__init__(client_app(site_fn), hospitals)
        self._submit = submit
        self._answers: dict[str, Future[Message]] = {}

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        ids = []
        for message in messages:
            ids.append(self._push(message))
            hospital = self.nodes[message.metadata.dst_node_id]
            self._answers[ids[-1]] = self._submit(hospital, self._waiting.pop(ids[-1]))
        return ids

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        """The replies that are ready. Raises PneumofedError `worker-died`."""
        asked = [number for number in message_ids if number in self._answers]
        try:
            return [self._answers.pop(number).result() for number in asked if self._answers[number].done()]
        except BrokenProcessPool:
            raise PneumofedError(
                "worker-died",
                "a process that trains was killed; make sure that there is enough memory, and run it again",
            ) from None


@contextmanager
def process_workers(site_fn: SiteFn, hospitals: Sequence[str], count: int) -> Iterator[Submit]:
    """`count` processes of one thread each, which end with this one, however it ends.

    A hospital keeps its worker, which caches its scans' features.
    """
    names = tuple(sorted(hospitals))
    with ExitStack() as stack:
        workers: list[Executor] = []
        for _ in range(count):
            context = get_context("spawn")
            workers.append(ProcessPoolExecutor(1, mp_context=context, initializer=exit_with_parent))
            stack.callback(workers[-1].shutdown, cancel_futures=True)

        def submit(hospital: str, message: Message) -> Future[Message]:
            worker = workers[names.index(hospital) % count]
            return worker.submit(answer_in_worker, site_fn, names, message)

        yield submit


def answer_in_worker(site_fn: SiteFn, hospitals: tuple[str, ...], message: Message) -> Message:
    """In a worker: the reply to a request, computed on one thread."""
    return _grid_of_worker(site_fn, hospitals).answer(message)


@lru_cache(maxsize=1)
def _grid_of_worker(site_fn: SiteFn, hospitals: tuple[str, ...]) -> LocalGrid:
    """The worker's own grid, kept between requests."""
    import torch

    torch.set_num_threads(1)
    keep_freed_memory()
    return LocalGrid(client_app(site_fn), hospitals)
