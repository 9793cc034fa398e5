"""Reads the next item in a thread while the current one is used."""

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def read_ahead(read: Callable[[T], R], items: Iterable[T]) -> Generator[R, None, None]:
    """`read` of each item, in order. One item is read ahead, so that two results are in memory at most.

    Raises what `read` raises, when its result is due. Closing the generator waits for the item being read.
    """
    with ThreadPoolExecutor(max_workers=1) as reader:
        upcoming: Future[R] | None = None
        for item in items:
            following = reader.submit(read, item)
            if upcoming is not None:
                yield upcoming.result()
            upcoming = following
        if upcoming is not None:
            yield upcoming.result()
