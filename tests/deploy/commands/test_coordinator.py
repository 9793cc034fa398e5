"""What `coordinator run` and `status` make of what Flower and the study say."""

from types import SimpleNamespace

import pytest

from deploy.coordinator import run as run_module
from deploy.coordinator.run import APP
from deploy.coordinator.settings import load_federation
from deploy.coordinator.status import status_document, study_in_words
from deploy.coordinator.superlink import App
from server.status import StatusFile, StudyStatus
from server.study_result import HospitalOutcome
from shared_model.errors import PneumofedError
from tests.support.coordinator_command import FEDERATION, coordinator

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


def test_status_says_it_when_nothing_serves(tmp_path, capsys):
    file = tmp_path / "federation.toml"
    file.write_text(FEDERATION + "\n")
    coordinator(capsys, "provision", file)
    folder = tmp_path / "coordinator" / "studies" / "f"
    folder.mkdir()
    StatusFile(folder / "status.json", NEW)
    code, text = coordinator(capsys, "status", file)
    assert code == 0 and "not serving" in text and "south (training): shut out" in text
    document = status_document(load_federation(file))
    assert not document["serving"] and document["studies"][0]["state"] == "starting"


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
        "study 's': starting, stage 'lobes', round 2 of 5, 0 rounds done",
        "  c: e",
        "  north returned after 3 s",
        "  south was asked again (not-connected)",
        "  west has not answered yet",
    ]
    ended = study_in_words(status.model_copy(update={"state": "failed"}))
    assert ended[2:] == ["  north returned after 3 s", "  south said that it could not (paused) after 1 s"]


def test_the_pushed_app_only_points_to_installed_code_and_keeps_its_hash():
    assert App.of(APP).sha256 == App.of(APP).sha256
    for file in (APP / "pneumofed_app").glob("*.py"):
        code = [line for line in file.read_text().splitlines() if line and not line.startswith('"""')]
        assert code in ([], [code[0], '__all__ = ["app"]'] if code else [])
        assert not code or code[0] in (
            "from client.node.deployed import app",
            "from server.app import app",
        )


def test_serving_before_provisioning_is_refused(tmp_path, capsys):
    file = tmp_path / "federation.toml"
    file.write_text(FEDERATION)
    code, text = coordinator(capsys, "serve", file)
    assert code == 1 and "not-provisioned" in text
