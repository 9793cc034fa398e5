"""A notice is taken back by people, in every study, but not under a run."""

from pathlib import Path

import pytest

from deploy.coordinator.acknowledge import acknowledge
from deploy.coordinator.settings import Federation
from server import events
from server.app import LEDGER, LOCK, STATUS
from server.standing import Standing, Standings
from server.status import StatusFile, StudyStatus, read_status
from shared_model.errors import PneumofedError
from shared_model.file_lock import exclusive


@pytest.fixture
def federation(tmp_path: Path) -> Federation:
    return Federation.model_validate(
        {"name": "f", "hosts": ["h"], "state": tmp_path, "hospitals": [{"name": "north"}]}
    )


def study(federation: Federation, name: str, **standing: str) -> Path:
    folder = federation.state / "studies" / name
    (folder / LEDGER).mkdir(parents=True)
    known = Standing.model_validate(standing)
    Standings(folder / LEDGER).put("north", known)
    status = StatusFile(folder / STATUS, StudyStatus(study=name, fingerprint=name))
    status.on_event(events.HospitalNoticed("north", known.notices))
    return folder


def test_it_is_taken_back_in_every_study_and_no_longer_shown(federation: Federation) -> None:
    folders = [
        study(federation, "a", quarantined="update-not-finite"),
        study(federation, "b", notice="log-went-back"),
        study(federation, "c"),
    ]
    assert acknowledge(federation, "north") == ["log-went-back", "quarantined"]
    for folder in folders:
        assert Standings(folder / LEDGER).of("north").notices == ()
        status = read_status(folder / STATUS)
        assert status is not None and not status.notices.get("north")
    with pytest.raises(PneumofedError) as refused:
        acknowledge(federation, "north")
    assert refused.value.code == "nothing-to-acknowledge"


def test_not_while_the_study_runs(federation: Federation) -> None:
    folder = study(federation, "a", quarantined="update-not-finite")
    held = PneumofedError("held", "")
    with exclusive(folder / LOCK, refusal=held), pytest.raises(PneumofedError) as refused:
        acknowledge(federation, "north")
    assert refused.value.code == "study-running"
    assert Standings(folder / LEDGER).of("north").quarantined
