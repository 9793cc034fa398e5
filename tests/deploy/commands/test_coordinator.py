"""What `coordinator run` and `status` make of what Flower and the study say."""

from types import SimpleNamespace

import pytest

from deploy.coordinator.folder import CoordinatorFolder
from deploy.coordinator.settings import load_federation
from deploy.coordinator.status import status_document
from server import events
from server.app import LEDGER, LOCK, STATUS, STOP
from server.ledger import Ledger
from server.status import StatusFile, StudyStatus
from server.stop_flag import StopFlag
from shared_model.errors import PneumofedError
from shared_model.file_lock import exclusive
from shared_model.study import load_study
from tests.support import example_result
from tests.support.coordinator_command import FEDERATION, coordinator
from tests.support.fake_sites import weights_of

NEW = StudyStatus(study="s", fingerprint="f")


def test_status_says_it_when_nothing_serves(tmp_path, capsys):
    file = tmp_path / "federation.toml"
    file.write_text(FEDERATION + "\n")
    coordinator(capsys, "provision", file)
    folder = tmp_path / "coordinator" / "studies" / "f"
    folder.mkdir()
    StatusFile(folder / "status.json", NEW)
    code, text = coordinator(capsys, "status", file)
    assert code == 0 and "not serving" in text
    document = status_document(load_federation(file))
    assert not document["serving"] and document["studies"][0]["state"] == "interrupted"
    assert document["studies"][0]["folder"] == str(folder) and f"  in {folder}\n" in text
    assert "interrupted" in text and "no process runs it" in text and "south (training): not known" in text


def test_status_before_provisioning_names_that_as_the_next_step(tmp_path, capsys):
    file = tmp_path / "federation.toml"
    file.write_text(FEDERATION)
    code, text = coordinator(capsys, "status", file)
    assert code == 0 and text.startswith(f"not provisioned: run `pneumofed coordinator provision {file}`")
    assert "not serving" not in text and not status_document(load_federation(file))["provisioned"]


def test_serving_before_provisioning_is_refused(tmp_path, capsys):
    file = tmp_path / "federation.toml"
    file.write_text(FEDERATION)
    code, text = coordinator(capsys, "serve", file)
    assert code == 1 and "not-provisioned" in text


@pytest.fixture
def study(tmp_path, capsys, monkeypatch):
    """Folder and status of the study `tiny` in a federation where nothing is served; as if it ran."""
    file = tmp_path / "federation.toml"
    file.write_text(FEDERATION)
    coordinator(capsys, "provision", file)
    folder = CoordinatorFolder(tmp_path / "coordinator").study(load_study("tiny").fingerprint)
    folder.mkdir()
    status = StatusFile(folder / STATUS, StudyStatus(study="tiny", fingerprint="f", rounds_total=2))
    return SimpleNamespace(file=file, folder=folder, status=status)


def test_a_second_run_says_that_the_study_runs_and_how_to_watch_it(study, capsys):
    options = ("run", study.file, "--study", "tiny", "--trained-on", "Noise.")
    with exclusive(study.folder / LOCK):
        code, text = coordinator(capsys, *options)
        assert code == 1 and "study-running" in text and "coordinator watch" in text
        assert coordinator(capsys, *options, "--propose")[0] == 1
    code, text = coordinator(capsys, *options)
    assert code == 1 and "superlink-unreachable" in text


def test_stop_says_after_which_round_the_study_ends(study, capsys):
    study.status.on_event(events.RoundStarted(load_study("tiny").stages[0], 1))
    with exclusive(study.folder / LOCK):
        code, text = coordinator(capsys, "stop", study.file)
        assert code == 0 and "ends after round 1 of" in text
        StopFlag(study.folder / STOP).check_in_round()
        assert "ends now, in round 1" in coordinator(capsys, "stop", study.file, "--now")[1]
    with pytest.raises(PneumofedError):
        StopFlag(study.folder / STOP).check_in_round()
    code, text = coordinator(capsys, "stop", study.file)
    assert code == 1 and "nothing-runs" in text


@pytest.mark.parametrize(
    ("answers", "stops"),
    [(["d"], False), (["s", "d"], True), (["", "w", "d"], False)],
)
def test_ctrl_c_asks_on_a_terminal_whether_to_leave_or_stop(study, capsys, monkeypatch, answers, stops):
    def interrupted(*_):
        raise KeyboardInterrupt

    left = list(answers)
    monkeypatch.setattr("deploy.coordinator.run.watch", interrupted)
    monkeypatch.setattr("deploy.commands.coordinator_study._at_terminal", lambda: True)
    monkeypatch.setattr("typer.prompt", lambda *_, **__: left.pop(0))
    with exclusive(study.folder / LOCK):
        ended, text = coordinator(capsys, "watch", study.file)
    assert ended == 0 and not left and "left; the study goes on" in text and "interrupted" not in text
    assert StopFlag(study.folder / STOP).raised is stops


def test_without_a_terminal_ctrl_c_leaves_the_study_and_does_not_say_that_it_is_done(
    study, capsys, monkeypatch
):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("deploy.coordinator.run.watch", interrupted)
    monkeypatch.setattr("typer.prompt", interrupted)
    with exclusive(study.folder / LOCK):
        code, text = coordinator(capsys, "watch", study.file)
    assert code == 130 and "left; the study goes on" in text and not StopFlag(study.folder / STOP).raised


def test_a_report_stands_beside_another_study(tmp_path, capsys):
    file = tmp_path / "federation.toml"
    file.write_text(FEDERATION)
    coordinator(capsys, "provision", file)
    result = example_result.result()
    folder = CoordinatorFolder(tmp_path / "coordinator").study(result.study.fingerprint)
    Ledger(folder / LEDGER, result.study, weights_of(0)).write_result(result)
    code, text = coordinator(capsys, "report", file, "--against", tmp_path / "none.json")
    assert code == 1 and "report-unreadable" in text and "none.json" in text
    assert coordinator(capsys, "report", file)[0] == 0
    beside = ("report", file, "--out", tmp_path / "both", "--against", folder)
    code, text = coordinator(capsys, *beside)
    assert code == 0 and "AUC" in text
    assert "Beside another study: Made-up study" in (tmp_path / "both" / "report.html").read_text()
