"""Two refused replies in a row, and heads of an audit log that go back."""

from pathlib import Path

import pytest

from server.standing import Standing, Standings
from server.study_result import HospitalOutcome, Status
from shared_model.envelope import LogHead
from shared_model.errors import PneumofedError


def outcome(status: Status, reason: str | None = None) -> HospitalOutcome:
    return HospitalOutcome(status=status, reason=reason)


RETURNED, LATE, NAN = outcome("returned"), outcome("late"), outcome("refused", "update-not-finite")


def after(*steps: tuple[str, HospitalOutcome]) -> Standing:
    standing = Standing()
    for kind, found in steps:
        standing = standing.after(kind, found)  # type: ignore[arg-type]
    return standing


def test_two_refused_replies_in_a_row_quarantine() -> None:
    assert after(("train", NAN)).notices == ()
    assert after(("train", NAN), ("train", RETURNED), ("train", NAN)).notices == ()
    two = after(("train", NAN), ("train", LATE), ("train", outcome("refused", "reply-mismatch")))
    assert two.quarantined == "reply-mismatch" and two.notices == ("quarantined",)
    assert two.after("train", RETURNED).quarantined == "reply-mismatch"  # only people take it back


def test_good_scores_do_not_make_up_for_refused_weights() -> None:
    assert after(("train", NAN), ("evaluate", RETURNED), ("train", NAN)).quarantined
    assert not after(("train", NAN), ("evaluate", NAN), ("describe", NAN), ("describe", NAN)).quarantined


@pytest.mark.parametrize(
    ("told", "notice"),
    [
        (LogHead(7, "a" * 64), None),
        (LogHead(8, "b" * 64), None),
        (LogHead(7, "b" * 64), "log-replaced"),
        (LogHead(6, "a" * 64), "log-went-back"),
        (None, "log-untold"),
    ],
)
def test_a_head_that_goes_back_is_noticed_and_the_furthest_is_kept(
    told: LogHead | None, notice: str | None
) -> None:
    known = Standing().after_head(None).after_head(LogHead(7, "a" * 64))
    assert known.head == LogHead(7, "a" * 64) and known.notice is None
    found = known.after_head(told)
    assert found.notice == notice
    assert found.head == (told if notice is None else known.head)
    assert found.after_head(LogHead(9, "c" * 64)).notice == notice  # it stays


def test_a_hospital_that_misses_the_line_itself_is_noticed() -> None:
    assert after(("describe", outcome("failed", "log-cut"))).notices == ("log-cut",)
    assert after(("describe", outcome("refused", "log-cut"))).notices == ()


def test_what_is_known_outlives_the_run_until_it_is_acknowledged(tmp_path: Path) -> None:
    first = Standings(tmp_path)
    first.put("north", after(("train", NAN), ("train", NAN)).after_head(LogHead(7, "a" * 64)))
    first.put("south", Standing().after_head(LogHead(3, "b" * 64)).after_head(LogHead(2, "b" * 64)))
    second = Standings(tmp_path)
    assert second.all() == first.all() and list(second.all()) == ["north", "south"]
    assert second.acknowledge("north").quarantined and second.acknowledge("south").notice
    third = Standings(tmp_path)
    assert third.of("north") == Standing(head=LogHead(7, "a" * 64))
    assert third.of("south") == Standing()  # the next head is the first
    for name in ("north", "nobody"):
        with pytest.raises(PneumofedError) as refused:
            third.acknowledge(name)
        assert refused.value.code == "nothing-to-acknowledge"


def test_a_damaged_file_is_no_empty_one(tmp_path: Path) -> None:
    (tmp_path / "standing.json").write_text('{"north": {"quarantined": 3}}')
    with pytest.raises(PneumofedError) as refused:
        Standings(tmp_path)
    assert refused.value.code == "ledger-damaged"
