"""Who guesses passwords is slowed down, by name and in total."""

import pytest

from client.reading_room import login_throttle
from client.reading_room.login_throttle import FORGOTTEN_S, FREE_BY_NAME, FREE_IN_TOTAL, LoginThrottle
from shared_model.errors import PneumofedError


class Clock:
    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(login_throttle, "time", clock)
    return clock


def waits(throttle: LoginThrottle, name: str) -> bool:
    try:
        throttle.check(name)
    except PneumofedError as error:
        assert error.code == "login-slowed"
        return True
    return False


def tries_within(throttle: LoginThrottle, clock: Clock, seconds: float, names: list[str]) -> int:
    """How many failed logins are looked at within so long, one of each name in turn, ten a second."""
    tries, end = 0, clock.now + seconds
    while clock.now < end:
        name = names[tries % len(names)]
        if not waits(throttle, name):
            throttle.failed(name)
            tries += 1
        clock.now += 0.1
    return tries


def test_one_name_is_tried_a_few_times_a_minute(clock: Clock) -> None:
    assert tries_within(LoginThrottle(), clock, 3600, ["ada"]) <= FREE_BY_NAME + 5 + 3600 / 30


def test_many_names_are_slowed_in_total(clock: Clock) -> None:
    names = [f"n{number}" for number in range(10_000)]
    assert tries_within(LoginThrottle(), clock, 3600, names) <= FREE_IN_TOTAL + 5 + 3600 / 30


def test_one_name_does_not_slow_another(clock: Clock) -> None:
    throttle = LoginThrottle()
    for _ in range(FREE_BY_NAME + 1):
        throttle.failed("ada")
    assert waits(throttle, "ada") and not waits(throttle, "bob")
    clock.now += 2
    assert not waits(throttle, "ada")


def test_success_and_time_forget(clock: Clock) -> None:
    throttle = LoginThrottle()
    for _ in range(FREE_BY_NAME):
        throttle.failed("ada")
    throttle.succeeded("ada")
    throttle.failed("ada")
    assert not waits(throttle, "ada")
    for _ in range(10):
        throttle.failed("ada")
    clock.now += FORGOTTEN_S
    assert not waits(throttle, "ada")
    throttle.failed("ada")
    assert not waits(throttle, "ada")


def test_names_are_bounded(clock: Clock) -> None:
    throttle = LoginThrottle()
    for number in range(5000):
        throttle.failed(f"n{number}")
    assert len(throttle._by_name) <= 1000
