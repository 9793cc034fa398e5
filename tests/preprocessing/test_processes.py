"""An interrupt waits until worker processes have started, and is then raised."""

import os
import signal
import threading

import pytest

from preprocessing.processes import uninterrupted


@pytest.fixture(autouse=True)
def as_in_the_foreground():
    """A shell that starts a command in the background has it ignore interrupts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_an_interrupt_is_raised_once_the_block_is_done():
    done = []
    with pytest.raises(KeyboardInterrupt), uninterrupted():
        interrupt()
        done.append("to its end")
    assert done == ["to its end"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_without_an_interrupt_nothing_is_raised():
    with uninterrupted():
        pass
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_block_that_fails_says_so_and_interrupts_are_as_before():
    with pytest.raises(ValueError, match="no worker"), uninterrupted():
        raise ValueError("no worker")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_whoever_handles_interrupts_otherwise_goes_on_doing_so():
    caught = []
    before = signal.signal(signal.SIGINT, lambda number, _: caught.append(number))
    try:
        with uninterrupted():
            interrupt()
            assert caught == [signal.SIGINT]
    finally:
        signal.signal(signal.SIGINT, before)


def test_beside_the_main_thread_signals_are_left_alone():
    seen = []

    def work() -> None:
        with uninterrupted():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]
