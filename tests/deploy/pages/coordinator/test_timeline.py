"""Hospital by round, and the round in progress."""

from typing import Any

from deploy.pages.coordinator.timeline import SHOWN, SYMBOLS, timeline
from server.status import Asked, Awaited, StudyStatus
from server.study_result import HospitalOutcome, RoundRecord


def record(number: int, **train: Any) -> RoundRecord:
    outcomes = {
        name: HospitalOutcome(status=status, reason=reason) for name, (status, reason) in train.items()
    }
    return RoundRecord(stage=number // 3, round=number % 3 + 1, train=outcomes, weights_sha256="", seconds=1)


def kinds(status: StudyStatus, rounds: list[RoundRecord], name: str = "north") -> list[str]:
    return [cell.kind for cell in dict(timeline(status, rounds, [name]).rows)[name]]


def test_each_status_has_its_own_cell_and_words() -> None:
    statuses = ("returned", "late", "refused", "failed", "absent", "quarantined")
    rounds = [record(n, north=(status, None if n == 0 else "x")) for n, status in enumerate(statuses)]
    status = StudyStatus(study="s", state="completed")
    assert kinds(status, rounds) == list(statuses)
    assert kinds(status, rounds, "south") == ["none"] * 6
    cells = dict(timeline(status, rounds, ["north"]).rows)["north"]
    assert [cell.is_ordinary for cell in cells] == [True, *[False] * 5]
    assert all("(x)" in cell.why for cell in cells[1:])
    assert len({SYMBOLS[kind] for kind in statuses}) == 6
    assert timeline(status, rounds, ["north"]).rounds == ["1.1", "1.2", "1.3", "2.1", "2.2", "2.3"]


def test_the_round_in_progress_is_the_last_column() -> None:
    status = StudyStatus(
        study="s", state="running", stage="lobes",
        asked={"north": Asked(sent=1, reason=None), "south": Asked(sent=1, reason="silent")},
        awaited={"east": Awaited(reason="paused", since=1, told=1)},
        hospitals={"west": HospitalOutcome(status="refused", reason="norm-too-large")},
    )  # fmt: skip
    found = timeline(status, [], ["north", "south", "east", "west", "none"])
    assert found.rounds == ["now"]
    now = {name: cells[-1] for name, cells in found.rows}
    assert [now[name].kind for name in ("north", "south", "east", "west", "none")] == [
        "asked", "asked", "asked", "refused", "none"
    ]  # fmt: skip
    assert (
        "silent" in now["south"].why and "paused" in now["east"].why and "norm-too-large" in now["west"].why
    )
    assert timeline(status.model_copy(update={"state": "stopped"}), [], ["north"]).rounds == []


def test_of_many_rounds_the_last_are_shown() -> None:
    rounds = [record(n, north=("returned", None)) for n in range(SHOWN + 7)]
    found = timeline(StudyStatus(study="s", state="completed"), rounds, ["north"])
    assert len(found.rounds) == SHOWN and found.hidden == 7
