"""A look at machine and store: in a process of its own, hourly once somebody asks."""

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from client.control.documents import Look
from client.control.look import EVERY_S, Looker, failed_look
from tests.support.processes import wait_until


def pid_look(folder: Path) -> Look:
    """A look that leaves a file named by its process."""
    (folder / str(os.getpid())).touch()
    return failed_look("made")


def failing_look() -> Look:
    raise FileNotFoundError(2, "No such file", "/data/Doe^Jane")


def dying_look() -> Look:
    os._exit(3)


def endless_look() -> Look:
    time.sleep(600)
    return failed_look("made")


def made(looker: Looker) -> Look:
    def ended() -> bool:
        look, looking = looker.latest()
        return look is not None and not looking

    wait_until(ended, seconds=60, what="the look")
    found, _ = looker.latest()
    assert found is not None
    return found


def problem_of(look: Callable[[], Look]) -> str | None:
    return made(Looker(look)).scans.problem


def test_it_is_made_once_an_hour_in_another_process(tmp_path: Path) -> None:
    now = [0.0]
    looker = Looker(partial(pid_look, tmp_path), clock=lambda: now[0])
    assert made(looker).scans.problem == "made"
    now[0] = EVERY_S - 1
    made(looker)
    assert len(list(tmp_path.iterdir())) == 1 and not (tmp_path / str(os.getpid())).exists()
    now[0] = EVERY_S
    made(looker)
    assert len(list(tmp_path.iterdir())) == 2
    looker.again()
    made(looker)
    assert len(list(tmp_path.iterdir())) == 3


def test_one_that_fails_or_dies_is_a_failed_check_with_a_code() -> None:
    assert problem_of(failing_look) == "internal-error"
    assert problem_of(dying_look) == "worker-died"


def test_closing_ends_one_that_is_being_made() -> None:
    looker = Looker(endless_look)
    assert looker.latest() == (None, True)
    wait_until(lambda: looker._process is not None, seconds=20, what="the process")
    begun = time.monotonic()
    looker.close()
    assert time.monotonic() - begun < 30 and not looker._is_looking()
