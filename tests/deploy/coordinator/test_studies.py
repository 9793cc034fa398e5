"""Whether a study runs is decided by who holds its lock, not by what its file says."""

from pathlib import Path

import pytest

from deploy.coordinator.folder import CoordinatorFolder
from deploy.coordinator.settings import Federation, load_federation
from deploy.coordinator.studies import present_status, running_study, stop
from server import events
from server.app import LOCK, STATUS, STOP
from server.status import StatusFile, StudyStatus
from server.stop_flag import STOPPED, StopFlag
from shared_model.errors import PneumofedError
from shared_model.file_lock import exclusive, is_held
from tests.support.coordinator_command import FEDERATION


@pytest.fixture
def federation(tmp_path: Path) -> Federation:
    file = tmp_path / "federation.toml"
    file.write_text(FEDERATION)
    return load_federation(file)


def made(federation: Federation, name: str) -> Path:
    """The folder of a study whose file says that it waits for north."""
    folder = CoordinatorFolder(federation.state).study(name)
    folder.mkdir(parents=True)
    status = StatusFile(folder / STATUS, StudyStatus(study=name, fingerprint=f"{name}-print"))
    status.on_event(events.HospitalsAwaited({"north": "paused"}))
    return folder


def test_a_study_that_no_process_runs_is_interrupted_whatever_its_file_says(federation: Federation) -> None:
    folder = made(federation, "one")
    present = present_status(folder)
    assert present is not None and present.state == "interrupted" and not present.awaited
    with exclusive(folder / LOCK):
        assert is_held(folder / LOCK)
        present = present_status(folder)
        assert present is not None and present.state == "waiting" and set(present.awaited) == {"north"}
    assert not is_held(folder / LOCK)
    status = StatusFile(folder / STATUS, StudyStatus(study="one"))
    status.complete()
    present = present_status(folder)
    assert present is not None and present.state == "completed"
    (folder / STATUS).write_text('{"asked": {"north": null}}')
    present = present_status(folder)
    assert present is not None and present.state == "interrupted" and "another version" in str(present.error)
    assert present_status(folder.parent) is None


def test_the_study_that_is_meant_is_the_one_that_runs(federation: Federation) -> None:
    def code(study: str | None = None) -> str:
        with pytest.raises(PneumofedError) as caught:
            running_study(federation, study)
        return caught.value.code

    one, two = made(federation, "one"), made(federation, "two")
    assert code() == "nothing-runs"
    with exclusive(one / LOCK):
        assert running_study(federation, None) == one and code("two") == "nothing-runs"
        with exclusive(two / LOCK):
            assert code() == "study-unknown"
            assert running_study(federation, "two") == running_study(federation, "two-print") == two


def test_stop_leaves_the_wish_for_the_one_that_runs(federation: Federation) -> None:
    folder = made(federation, "one")
    with exclusive(folder / LOCK):
        assert stop(federation, None, now=False).study == "one"
        StopFlag(folder / STOP).check_in_round()
        stop(federation, None, now=True)
        with pytest.raises(PneumofedError) as caught:
            StopFlag(folder / STOP).check_in_round()
    assert caught.value.code == STOPPED
