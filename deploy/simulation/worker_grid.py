"""Hospitals side by side in worker processes of this machine: what the engines `local` and `ray` share."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from multiprocessing import get_context

from flwr.app import Message

from client.learning.allocator import keep_freed_memory
from deploy.simulation.local_grid import LocalGrid, OpenSite, client_app
from shared_model.errors import PneumofedError

Start = Callable[[str, Message], Future[Message]]
"""Gives a hospital's request to a worker; the hospital's name, the message, and the reply to come."""


class WorkerGrid(LocalGrid):
    """One node a hospital; a request is worked off as soon as a worker is free for it."""

    def __init__(self, open_site: OpenSite, hospitals: Sequence[str], start: Start) -> None:
        super().__init__(client_app(open_site), hospitals)
        self._start = start
        self._answers: dict[str, Future[Message]] = {}

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        ids = []
        for message in messages:
            ids.append(self._push(message))
            hospital = self.nodes[message.metadata.dst_node_id]
            self._answers[ids[-1]] = self._start(hospital, self._waiting.pop(ids[-1]))
        return ids

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        """The replies that are there. Raises PneumofedError `worker-died`."""
        asked = [number for number in message_ids if number in self._answers]
        try:
            return [self._answers.pop(number).result() for number in asked if self._answers[number].done()]
        except BrokenProcessPool:
            raise PneumofedError(
                "worker-died",
                "a process that trains was ended from outside; see that memory suffices, and run it again",
            ) from None


@contextmanager
def process_workers(open_site: OpenSite, hospitals: Sequence[str], count: int) -> Iterator[Start]:
    """`count` processes of one thread each. A hospital keeps its worker, which remembers what it has seen."""
    names = tuple(sorted(hospitals))
    with ExitStack() as stack:
        workers: list[Executor] = []
        for _ in range(count):
            workers.append(ProcessPoolExecutor(1, mp_context=get_context("spawn")))
            stack.callback(workers[-1].shutdown, cancel_futures=True)

        def start(hospital: str, message: Message) -> Future[Message]:
            worker = workers[names.index(hospital) % count]
            return worker.submit(answer_in_worker, open_site, names, message)

        yield start


def answer_in_worker(open_site: OpenSite, hospitals: tuple[str, ...], message: Message) -> Message:
    """In a worker: a request's reply, computed with one thread."""
    return _grid_of_worker(open_site, hospitals).answer(message)


@lru_cache(maxsize=1)
def _grid_of_worker(open_site: OpenSite, hospitals: tuple[str, ...]) -> LocalGrid:
    """What answers there, kept between requests."""
    import torch

    torch.set_num_threads(1)
    keep_freed_memory()
    return LocalGrid(client_app(open_site), hospitals)
