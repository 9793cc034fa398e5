"""What a study says of itself while it runs and when it fails."""

from pathlib import Path

import pytest

from server import events
from server.standing import Standing, Standings
from server.status import Awaited, StatusFile, StudyStatus, read_status, take_back_notices
from server.study_result import HospitalOutcome, RoundRecord
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
    assert {n: one.reason for n, one in status.status.asked.items()} == {
        "north": "not-connected",
        "south": None,
    }
    status.on_event(events.RequestFinished("train", "north", HospitalOutcome(status="returned")))
    assert set(status.status.asked) == {"south"}


def test_a_round_begins_without_what_was_returned_before_it(status: StatusFile) -> None:
    declined = HospitalOutcome(status="failed", reason="study-declined")
    status.on_event(events.RequestFinished("describe", "east", HospitalOutcome(status="returned")))
    status.on_event(events.RequestFinished("describe", "west", declined))
    status.on_event(events.RoundStarted(STUDY.stages[0], 1))
    assert status.status.hospitals == {"west": declined}


def test_since_when_a_hospital_is_awaited_is_kept_until_the_reason_changes(
    status: StatusFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    status.on_event(events.RosterBuilt((), {}))
    in_turn: list[events.Event] = [
        events.RequestSent("north", None),
        events.RequestPostponed("north", "paused"),
        events.RequestSent("north", "paused"),
        events.RequestPostponed("north", "paused"),
    ]
    for now, event in enumerate(in_turn):
        monkeypatch.setattr("server.status.time.time", lambda now=now: float(now))
        status.on_event(event)
    assert status.status.awaited["north"] == Awaited(reason="paused", since=1, told=3)
    status.on_event(events.RequestPostponed("north", "not-connected"))
    assert status.status.awaited["north"].since == 3
    status.on_event(events.RequestFinished("train", "north", HospitalOutcome(status="returned")))
    assert not status.status.awaited


def test_before_round_1_it_says_who_is_waited_for_and_from_when_on_nobody_is(status: StatusFile) -> None:
    status.on_event(events.HospitalsAwaited({"north": "study-not-approved"}, 5.0))
    first = status.status
    assert (first.state, first.begins, set(first.awaited)) == ("waiting", 5.0, {"north"})
    status.on_event(events.RequestSent("north", None))
    refused = HospitalOutcome(status="failed", reason="study-not-approved")
    status.on_event(events.RequestFinished("describe", "north", refused))
    assert status.status.awaited == first.awaited
    status.on_event(events.HospitalDescribed("north", {"flwr": "1.42.0"}))
    status.on_event(events.RosterBuilt((), {}))
    after = status.status
    assert (after.state, after.begins, after.awaited) == ("running", None, {})
    assert after.versions == {"north": {"flwr": "1.42.0"}}


def test_complete_rounds_tell_loss_and_time(status: StatusFile) -> None:
    def outcome(loss: float, scans: int) -> HospitalOutcome:
        return HospitalOutcome(status="returned", scans={"diseased": scans}, loss={"diseased": loss})

    def record(round: int, seconds: float) -> RoundRecord:
        replies = {"north": outcome(1.0, 30), "south": outcome(2.0, 10)}
        return RoundRecord(stage=0, round=round, train=replies, weights_sha256="0", seconds=seconds)

    status.begin([record(1, 100), record(2, 10), record(3, 20)], Standings(status._path.parent))
    status.on_event(events.RoundFinished(STUDY.stages[0], record(4, 30)))
    assert status.status.rounds_done == 4
    assert status.status.loss == {"diseased": 1.25}
    assert status.status.seconds_per_round == 20  # of the last three


def test_a_study_that_people_stopped_or_only_proposed_says_so(status: StatusFile) -> None:
    status.on_event(events.HospitalsAwaited({"north": "study-not-approved"}))
    status.propose()
    proposed = status.status
    assert (proposed.state, set(proposed.awaited)) == ("proposed", {"north"})
    status.stop()
    stopped = status.status
    assert (stopped.state, stopped.awaited) == ("stopped", {})


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


def test_notices_of_hospitals_stand_until_they_are_taken_back(tmp_path: Path, status: StatusFile) -> None:
    standings = Standings(tmp_path)
    standings.put("north", Standing(quarantined="update-dtype"))
    status.begin([], standings)
    status.on_event(events.HospitalNoticed("south", ("log-went-back",)))
    assert status_in(tmp_path).notices == {"north": ("quarantined",), "south": ("log-went-back",)}
    take_back_notices(tmp_path / "status.json", "north")
    assert status_in(tmp_path).notices == {"south": ("log-went-back",)}
