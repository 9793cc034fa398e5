"""What the coordinator's page says of a hospital's decision, certificate and speed."""

from typing import Any

import pytest

from deploy.pages.coordinator.hospital_rows import HospitalRow, hospital_rows
from server.status import Asked, Awaited, StudyStatus
from server.study_result import HospitalOutcome, RoundRecord

RETURNED = HospitalOutcome(status="returned")


def row(status: StudyStatus | None, rounds: tuple[RoundRecord, ...] = (), **told: str) -> HospitalRow:
    hospital = {"name": "north", "role": "training", "connection": "online", "versions": told}
    document: dict[str, Any] = {"versions": {"flwr": "1.42.0"}, "hospitals": [hospital]}
    (found,) = hospital_rows(document, status, rounds)
    return found


def study(**fields: Any) -> StudyStatus:
    return StudyStatus(study="s", state="running", **fields)


def awaited(reason: str) -> dict[str, Any]:
    return {"awaited": {"north": Awaited(reason=reason, since=1, told=1)}}


def failed(reason: str) -> dict[str, Any]:
    return {"hospitals": {"north": HospitalOutcome(status="failed", reason=reason)}}


@pytest.mark.parametrize(
    ("status", "words", "mark"),
    [
        (None, "no study", "idle"),
        (study(), "not known", "idle"),
        (study(**awaited("paused")), "paused", "wait"),
        (study(**awaited("study-changed")), "waiting for approval", "wait"),
        (study(**failed("study-not-approved")), "waiting for approval", "wait"),
        (study(**failed("study-withdrawn")), "withdrawn", "bad"),
        (study(**failed("study-declined")), "declined", "bad"),
        (study(versions={"north": {"flwr": "1"}}), "approved", "good"),
        (study(versions={"north": {}}, **failed("study-withdrawn")), "withdrawn", "bad"),
        (study(versions={"north": {}}, **failed("out-of-memory")), "approved", "good"),
    ],
)  # fmt: skip
def test_the_decision_of_a_hospital(status: StudyStatus | None, words: str, mark: str) -> None:
    assert (row(status).decision.words, row(status).decision.mark) == (words, mark)


def test_speed_is_the_median_of_what_returned() -> None:
    def record(number: int, seconds: float, status: Any = "returned") -> RoundRecord:
        outcome = HospitalOutcome(status=status, seconds=seconds)
        return RoundRecord(stage=0, round=number, train={"north": outcome}, weights_sha256="", seconds=9)

    rounds = (record(1, 2), record(2, 30), record(3, 4), record(4, 500, "late"))
    assert row(study(), rounds).seconds == 4
    assert row(study()).seconds is None and row(study()).last is None


def test_a_certificate_that_ends_and_versions_that_differ() -> None:
    ending = row(None, **{"flwr": "1.41.0", "certificate-until": "2020-01-01"})
    assert ending.days is not None and ending.days < 0 and ending.soon
    assert ending.versions == "flwr 1.41.0 (here 1.42.0)"
    assert row(None, **{"certificate-until": "2999-01-01"}).soon is False
    assert row(None, **{"certificate-until": "soon"}).days is None


def test_what_it_does_now_comes_before_what_it_did() -> None:
    before = {"hospitals": {"north": RETURNED}}
    assert row(study(**before)).doing == "returned after 0 s"
    asked = {"asked": {"north": Asked(sent=1, reason="silent")}}
    assert "was asked again (silent)" in row(study(**before, **asked)).doing
    assert "is not connected" in row(study(**before, **asked, **awaited("not-connected"))).doing
