"""What a study says of itself while it runs and when it fails."""

from pathlib import Path

import pytest

from server import events
from server.status import StatusFile, StudyStatus, read_status
from server.study_result import HospitalOutcome
from shared_model.errors import PneumofedError
from shared_model.proposal import Proposal
from tests.support.local_rounds import INITIAL, STUDY, grid_of, run, sites_of


@pytest.fixture
def status(tmp_path: Path) -> StatusFile:
    return StatusFile(tmp_path / "status.json", StudyStatus(study="s"))


def status_in(folder: Path) -> StudyStatus:
    status = read_status(folder / "status.json")
    assert status is not None
    return status


def test_the_file_follows_the_round_loop(tmp_path: Path, status: StatusFile) -> None:
    told: list[events.Event] = []
    seen: list[StudyStatus] = []

    def on_event(event: events.Event) -> None:
        status.on_event(event)
        told.append(event)
        seen.append(status_in(tmp_path))

    run(tmp_path / "ledger", grid_of(sites_of()), on_event=on_event)
    rounds = [s.rounds_done for s in seen]
    assert rounds == sorted(rounds) and rounds[-1] == sum(stage.rounds for stage in STUDY.stages)
    assert {(s.stage, s.round, s.rounds) for s in seen if s.stage} == {
        ("lobes", 1, 3), ("lobes", 2, 3), ("lobes", 3, 3), ("fine", 1, 2), ("fine", 2, 2)
    }  # fmt: skip
    assert seen[-1].fingerprint == Proposal.of(STUDY, INITIAL).fingerprint  # as each hospital computes it
    assert set(seen[-1].hospitals) == {"north", "south", "east", "far"}
    gathered = next(i for i, event in enumerate(told) if isinstance(event, events.RosterBuilt))
    assert all(s.state == "running" for s in seen[gathered:]) and seen[0].state == "starting"
    status.complete()
    assert status_in(tmp_path).state == "completed"


def test_why_a_hospital_is_left_out_stays_visible(status: StatusFile) -> None:
    refused = HospitalOutcome(status="failed", reason="study-not-approved", seconds=2)
    status.on_event(events.RosterBuilt((), {"north": refused}))
    assert status.status.hospitals == {"north": refused}


def test_who_has_not_answered_is_known_until_it_does(status: StatusFile) -> None:
    for hospital, reason in (("north", None), ("south", None), ("north", "not-connected")):
        status.on_event(events.RequestSent(hospital, reason))
    assert status.status.asked == {"north": "not-connected", "south": None}
    status.on_event(events.RequestFinished("train", "north", HospitalOutcome(status="returned")))
    assert status.status.asked == {"south": None}


DISK_FULL = "no space is left on the coordinator's disk; free some and run the study again"


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (PneumofedError("quorum-missed", "1 of 2 returned"), "quorum-missed", "1 of 2 returned"),
        (OSError(5, "Input/output error", "/data/Doe^Jane"), "internal-error", "OSError"),
        (OSError(28, "No space left", "/data/Doe^Jane"), "disk-full", DISK_FULL),
    ],
)
def test_a_failure_is_told_in_our_words_and_no_others(
    tmp_path: Path, status: StatusFile, error: Exception, code: str, words: str
) -> None:
    status.fail(error)
    read = status_in(tmp_path)
    assert (read.state, read.error_code, read.error) == ("failed", code, words)
    assert "Doe" not in (tmp_path / "status.json").read_text()


def test_no_file_is_no_status(tmp_path: Path) -> None:
    assert read_status(tmp_path / "none.json") is None
