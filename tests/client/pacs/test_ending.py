"""A process is asked to end by a signal."""

import os
import signal
from collections.abc import Iterator

import pytest

from client.pacs.ending import ending_on_signal


@pytest.fixture(autouse=True)
def own_signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_either_signal_is_heard(number: int) -> None:
    ending = ending_on_signal()
    assert not ending.is_set()
    os.kill(os.getpid(), number)
    assert ending.wait(5)
