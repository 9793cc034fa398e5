"""People's wish that a study ends: after the round, or at once."""

from pathlib import Path

import pytest

from server.stop_flag import NOBODY_STOPS, STOPPED, StopFlag
from shared_model.errors import PneumofedError


def test_after_the_round_is_not_now_and_now_is_both(tmp_path: Path) -> None:
    flag = StopFlag(tmp_path / "stop")
    flag.check_between_rounds()
    flag.check_in_round()
    flag.raise_flag()
    flag.check_in_round()
    with pytest.raises(PneumofedError) as caught:
        flag.check_between_rounds()
    assert caught.value.code == STOPPED
    flag.raise_flag(now=True)
    for check in (flag.check_in_round, flag.check_between_rounds):
        with pytest.raises(PneumofedError):
            check()
    flag.clear()
    flag.check_between_rounds()
    assert not flag.raised


def test_where_nobody_can_ask_nothing_ends() -> None:
    NOBODY_STOPS.raise_flag(now=True)
    NOBODY_STOPS.check_between_rounds()
    NOBODY_STOPS.check_in_round()
