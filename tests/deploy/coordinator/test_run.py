"""A run is followed to its end, and only a study that says it is complete is done."""

from types import SimpleNamespace

import numpy as np
import pytest

from deploy.coordinator import run as run_module
from deploy.coordinator.folder import CoordinatorFolder
from deploy.coordinator.provision import provision, revoke
from deploy.coordinator.settings import load_federation
from server import events
from server.app import LEDGER, LOCK
from server.ledger import Ledger
from server.status import StatusFile, StudyStatus
from shared_model.errors import PneumofedError
from shared_model.file_lock import exclusive
from shared_model.study import load_study
from tests.support.coordinator_command import FEDERATION

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
        run_module._follow(superlink, 1, path.parent, 0.0, lambda status: None)
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
    StatusFile(path, NEW).stop()
    assert follow(path, Ended("completed"), monkeypatch) == "study-stopped"
    StatusFile(path, NEW).propose()
    assert follow(path, Ended("completed"), monkeypatch) == "run-failed"


def test_a_run_that_another_one_overtook_says_that_the_study_runs(tmp_path, monkeypatch):
    with exclusive(tmp_path / LOCK):
        assert follow(tmp_path / "status.json", Ended("failed"), monkeypatch) == "study-running"


def test_revoked_hospitals_are_not_waited_for_and_the_quorum_is_all_others(tmp_path):
    file = tmp_path / "federation.toml"
    file.write_text(FEDERATION.replace("quorum = 2\n", 'required = ["north"]\n'))
    federation = load_federation(file)
    provision(federation)
    settings = run_module._settings(federation, tmp_path, "demo", "Phantoms.", None, False)
    assert (settings["quorum"], settings["training"], settings["held-out"]) == (2, "north south", "east")
    assert settings["required"] == "north"
    revoke(federation, "south")
    settings = run_module._settings(federation, tmp_path, "demo", "Phantoms.", None, False)
    assert (settings["quorum"], settings["training"]) == (1, "north")


@pytest.mark.parametrize("begin", [run_module.run, run_module.propose])
def test_a_repeat_with_another_strategy_is_refused_before_anything_is_started(tmp_path, begin):
    file = tmp_path / "federation.toml"
    file.write_text(FEDERATION)
    federation = load_federation(file)
    provision(federation)
    study = load_study("tiny")
    folder = CoordinatorFolder(federation.state).study(study.fingerprint)

    def code(**options) -> str:
        with pytest.raises(PneumofedError) as caught:
            begin(federation, "tiny", trained_on="Noise.", tell=lambda status: None, **options)
        return caught.value.code

    assert code() == "superlink-unreachable" and not folder.exists()
    Ledger(folder / LEDGER, study, {"a": np.zeros(1, np.float32)})
    assert code(strategy="own_step:step") == "ledger-of-another-study"
    assert code() == "superlink-unreachable"


def test_watch_tells_each_status_until_nothing_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(run_module, "POLL_S", 0.001)
    told, status = [], StatusFile(tmp_path / "status.json", NEW)

    def tell(shown: StudyStatus) -> None:
        told.append(shown.state)
        if len(told) == 1:
            status.on_event(events.RosterBuilt((), {}))
        else:
            status.complete()

    with exclusive(tmp_path / LOCK):
        assert run_module.watch(tmp_path, tell).state == "completed"
    assert told == ["starting", "running", "completed"]
    StatusFile(tmp_path / "status.json", NEW)
    with pytest.raises(PneumofedError) as caught:  # nothing holds its lock
        run_module.watch(tmp_path, lambda status: None)
    assert caught.value.code == "run-failed"


def test_a_status_of_an_earlier_run_does_not_count(tmp_path, monkeypatch):
    path = tmp_path / "status.json"
    StatusFile(path, NEW).complete()
    later = StudyStatus.model_validate_json(path.read_bytes()).since + 1
    monkeypatch.setattr(run_module, "POLL_S", 0.001)
    with pytest.raises(PneumofedError) as caught:
        run_module._follow(Ended("completed"), 1, path.parent, later, lambda status: None)
    assert caught.value.code == "run-failed"


def test_a_superlink_that_restarts_is_waited_for_but_not_for_ever(tmp_path, monkeypatch):
    path = tmp_path / "status.json"
    StatusFile(path, NEW).complete()
    assert follow(path, Ended("completed", away=5), monkeypatch) is None
    gone = Ended("completed", away=10**9)
    assert follow(path, gone, monkeypatch, return_s=0.05) == "superlink-unreachable"


def test_a_study_that_ended_is_given_time_to_let_go_of_its_folder(tmp_path, monkeypatch):
    """`run` right after `stop`: the status has ended, and the process not yet."""
    monkeypatch.setattr(run_module, "POLL_S", 0.001)
    status = StatusFile(tmp_path / "status.json", NEW)
    with exclusive(tmp_path / LOCK, refusal=PneumofedError("held", "held")) as _:
        status.on_event(events.StudyProposed("f"))
        assert run_module._still_runs(tmp_path)  # at once: it says that it runs
        status.stop()
        monkeypatch.setattr(run_module, "ENDS_S", 0.01)
        assert run_module._still_runs(tmp_path)
        looks = iter([True, True, False])
        monkeypatch.setattr(run_module, "ENDS_S", 60.0)
        monkeypatch.setattr(run_module, "is_running", lambda folder: next(looks))
        assert not run_module._still_runs(tmp_path)
