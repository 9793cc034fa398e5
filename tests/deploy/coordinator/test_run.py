"""A run is followed to its end, and only a study that says it is complete is done."""

from types import SimpleNamespace

import pytest

from deploy.coordinator import run as run_module
from server.status import StatusFile, StudyStatus
from shared_model.errors import PneumofedError

NEW = StudyStatus(study="s", fingerprint="f")


class Ended:
    """A SuperLink whose run ends as told, after `away` failed looks."""

    def __init__(self, outcome: str, *, away: int = 0) -> None:
        self.outcome, self.away = outcome, away

    def run(self, run_id: int) -> SimpleNamespace:
        if self.away:
            self.away -= 1
            raise PneumofedError("superlink-unreachable", "gone")
        return SimpleNamespace(status=SimpleNamespace(status="finished", sub_status=self.outcome))


def follow(path, superlink, monkeypatch, *, return_s: float = 60.0) -> str | None:
    monkeypatch.setattr(run_module, "POLL_S", 0.001)
    monkeypatch.setattr(run_module, "RETURN_S", return_s)
    try:
        run_module._follow(superlink, 1, path, 0.0, lambda status: None)
    except PneumofedError as error:
        return error.code
    return None


def test_only_a_study_that_says_it_is_complete_is_done(tmp_path, monkeypatch):
    path = tmp_path / "status.json"
    assert follow(path, Ended("completed"), monkeypatch) == "run-failed"  # Flower says so, the study does not
    status = StatusFile(path, NEW)
    assert follow(path, Ended("completed"), monkeypatch) == "run-failed"
    assert follow(path, Ended("failed"), monkeypatch) == "run-failed"
    status.fail(PneumofedError("quorum-missed", "1 of 2"))
    assert follow(path, Ended("failed"), monkeypatch) == "quorum-missed"
    StatusFile(path, NEW).complete()
    assert follow(path, Ended("completed"), monkeypatch) is None
    assert follow(path, Ended("stopped"), monkeypatch) == "run-failed"


def test_a_status_of_an_earlier_run_does_not_count(tmp_path, monkeypatch):
    path = tmp_path / "status.json"
    StatusFile(path, NEW).complete()
    later = StudyStatus.model_validate_json(path.read_bytes()).since + 1
    monkeypatch.setattr(run_module, "POLL_S", 0.001)
    with pytest.raises(PneumofedError) as caught:
        run_module._follow(Ended("completed"), 1, path, later, lambda status: None)
    assert caught.value.code == "run-failed"


def test_a_superlink_that_restarts_is_waited_for_but_not_for_ever(tmp_path, monkeypatch):
    path = tmp_path / "status.json"
    StatusFile(path, NEW).complete()
    assert follow(path, Ended("completed", away=5), monkeypatch) is None
    gone = Ended("completed", away=10**9)
    assert follow(path, gone, monkeypatch, return_s=0.05) == "superlink-unreachable"
