"""Pauses on a clock that the test moves."""

import pytest

from shared_model import polling
from shared_model.polling import Pauses


@pytest.fixture
def clock(monkeypatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(polling.time, "monotonic", lambda: now[0])
    return now


def test_pauses_are_a_tenth_of_the_wait_within_their_bounds(clock):
    pauses = Pauses(0.2, 3.0)
    for waited, expected in [(0, 0.2), (1, 0.2), (5, 0.5), (29, 2.9), (31, 3.0), (9999, 3.0)]:
        clock[0] = 1000.0 + waited
        assert pauses.next_s() == pytest.approx(expected)


def test_after_something_came_they_are_short_again(clock):
    pauses = Pauses(0.2, 3.0)
    clock[0] += 600
    assert pauses.next_s() == 3.0
    pauses.restart()
    assert pauses.next_s() == 0.2


def test_a_minute_of_waiting_costs_few_questions(clock):
    pauses, asked = Pauses(0.2, 3.0), 0
    while clock[0] < 1000.0 + 60:
        clock[0] += pauses.next_s()
        asked += 1
    assert asked < 60  # at 0.2 s each it would be 300
