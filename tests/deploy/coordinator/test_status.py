"""What the coordinator knows, in words."""

from deploy.coordinator.status import study_in_words
from server.status import StudyStatus
from server.study_result import HospitalOutcome

NEW = StudyStatus(study="s", fingerprint="f")


def test_words_name_the_round_and_each_hospitals_fate():
    replies = {
        "north": HospitalOutcome(status="returned", seconds=3),
        "south": HospitalOutcome(status="failed", reason="paused", seconds=1),
    }
    status = NEW.model_copy(
        update={
            "stage": "lobes",
            "round": 2,
            "rounds": 5,
            "hospitals": replies,
            "asked": {"south": "not-connected", "west": None},
            "error_code": "c",
            "error": "e",
        }
    )
    assert study_in_words(status) == [
        "study 's' (f): starting, stage 'lobes', round 2 of 5, 0 rounds done",
        "  c: e",
        "  north returned after 3 s",
        "  south was asked again (not-connected)",
        "  west has not answered yet",
    ]
    ended = study_in_words(status.model_copy(update={"state": "failed"}))
    assert ended[2:] == ["  north returned after 3 s", "  south said that it could not (paused) after 1 s"]
