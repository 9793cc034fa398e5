"""What the coordinator knows of a study, in words."""

import time

import pytest

from deploy.coordinator.study_words import clock, expected_end, study_in_words
from server.status import Asked, Awaited, StudyStatus
from server.study_result import HospitalOutcome

FP = "0000-0000-0000-0000"
NEW = StudyStatus(study="s", fingerprint=FP, rounds_total=8)
NOW = 1_800_000_000.0


@pytest.fixture(autouse=True)
def clock_at_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    real = time.localtime
    monkeypatch.setattr("deploy.coordinator.study_words.time.localtime", lambda t=NOW: real(t))


def test_words_name_the_round_and_each_hospitals_fate() -> None:
    replies = {
        "north": HospitalOutcome(status="returned", seconds=3),
        "south": HospitalOutcome(status="failed", reason="diverged", seconds=1),
        "far": HospitalOutcome(status="failed", reason="study-declined"),
        "old": HospitalOutcome(status="failed", reason="protocol-is-1", detail="upgrade it"),
    }
    status = NEW.model_copy(
        update={
            "state": "running",
            "stage": "lobes",
            "round": 2,
            "rounds": 5,
            "rounds_done": 1,
            "hospitals": replies,
            "asked": {"south": Asked(sent=NOW, reason="not-connected"), "west": Asked(sent=NOW)},
            "error_code": "c",
            "error": "e",
            "loss": {"diseased": 0.51234},
            "round_began": NOW,
            "seconds_per_round": 60.0,
        }
    )
    assert study_in_words(status) == [
        f"study 's' ({FP}): running, stage 'lobes', round 2 of 5, 1 of 8 rounds done, loss diseased 0.5123, "
        "about to end 08:07",
        "  c: e",
        "  far has declined the study",
        "  north returned after 3 s",
        "  old cannot take part: upgrade it",
        "  south was asked again (not-connected)",
        "  west has not answered yet",
    ]
    ended = study_in_words(status.model_copy(update={"state": "failed"}))
    assert ended[-1] == "  south said that it could not (diverged) after 1 s"


def test_a_hospital_is_paused_since_then_until_it_is_asked_again() -> None:
    awaited = {"south": Awaited(reason="paused", since=NOW - 120, told=NOW - 60)}
    status = NEW.model_copy(update={"state": "running", "awaited": awaited})
    sent = {"south": Asked(sent=NOW - 65)}
    assert study_in_words(status.model_copy(update={"asked": sent}))[1:] == ["  south is paused since 07:58"]
    later = {"south": Asked(sent=NOW, reason="paused")}
    assert study_in_words(status.model_copy(update={"asked": later}))[1:] == [
        "  south was asked again (paused)"
    ]


def test_a_study_that_waits_says_for_whom_and_when_it_begins_without_them() -> None:
    awaited = {
        name: Awaited(reason=reason, since=NOW, told=NOW)
        for name, reason in {"south": "study-not-approved", "north": "study-changed", "far": "paused"}.items()
    }
    waiting = NEW.model_copy(update={"state": "waiting", "awaited": awaited})
    assert study_in_words(waiting) == [
        f"study 's' ({FP}): proposed, waiting for approval by north, south and for far, 0 of 8 rounds done",
        "  words for the telephone: acorn acorn acorn acorn acorn acorn acorn acorn acorn acorn",
        "  far is paused since 08:00",
        "  north has approved another version of the study, not this one since 08:00",
        "  south has not approved the study since 08:00",
    ]
    away = {"far": awaited["far"]}
    first = study_in_words(waiting.model_copy(update={"awaited": away, "begins": NOW + 86400}))[0]
    assert "): waiting for far, begins without them 2027-01-16 08:00, 0 of 8" in first
    proposed = waiting.model_copy(update={"state": "proposed", "awaited": {}})
    assert "): proposed, 0 of 8" in study_in_words(proposed)[0]


def test_an_interrupted_study_comes_with_the_remedy() -> None:
    lines = study_in_words(NEW.model_copy(update={"state": "interrupted"}))
    assert "interrupted" in lines[0] and "serve" in lines[1] and "goes on" in lines[1]


def test_when_it_will_end_is_not_known_before_a_round_is_complete() -> None:
    running = NEW.model_copy(update={"state": "running", "round_began": NOW, "rounds_done": 6})
    assert expected_end(running) is None
    timed = running.model_copy(update={"seconds_per_round": 10.0})
    assert expected_end(timed) == NOW + 20
    assert expected_end(timed.model_copy(update={"state": "stopped"})) is None
    assert expected_end(timed.model_copy(update={"rounds_done": 8})) is None


def test_a_time_of_another_day_has_its_date() -> None:
    assert clock(NOW) == "08:00" and clock(NOW - 86400) == "2027-01-14 08:00"


def test_what_people_are_to_know_of_a_hospital_is_said_with_the_remedy() -> None:
    status = StudyStatus(study="s", fingerprint=FP, notices={"north": ("quarantined", "log-went-back")})
    lines = study_in_words(status)[1:]
    assert len(lines) == 2 and all(line.startswith("  north: ") for line in lines)
    assert "two of its replies in a row were refused" in lines[0] and "fewer lines" in lines[1]
    assert all("coordinator acknowledge" in line for line in lines)
