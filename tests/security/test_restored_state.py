"""A hospital's state folder is brought back from a backup, and with it approvals, audit log and budgets."""

import shutil
from pathlib import Path

import pytest

from client.hospital_settings import HospitalSettings
from client.node.trainer_client import TrainerClient
from client.records.audit import AuditLog
from client.trainer.server import serving
from server.standing import Standing
from shared_model.envelope import LogHead
from shared_model.errors import PneumofedError
from shared_model.protocol import TrainRequest
from shared_model.weights import to_bytes
from tests.support.approved_study import approve
from tests.support.scripted_sites import WEIGHTS, ScriptedSiteFactory, named

PROPOSAL = named("echo")


def hospital_in(folder: Path) -> HospitalSettings:
    return HospitalSettings.model_validate(
        {
            "name": "north",
            "store": folder / "store",
            "state": folder / "state",
            "socket": folder / "t.sock",
            "coordinator": {"address": "127.0.0.1:1"},
        }
    )


def head_of_a_round(hospital: HospitalSettings, number: int, seen: LogHead | None) -> LogHead:
    """The head of the log after a round of training; `seen`: what the coordinator saw last."""
    trainer = TrainerClient(hospital.socket, PROPOSAL, deadline_s=60, seen=seen)
    head = trainer.train(to_bytes(WEIGHTS), TrainRequest(0, number)).envelope.head
    assert head is not None
    return head


def test_either_side_notices(tmp_path: Path) -> None:
    hospital, backup = hospital_in(tmp_path), tmp_path / "backup"
    hospital.state.mkdir()
    approve(hospital.state, PROPOSAL)
    with serving(hospital, ScriptedSiteFactory()):
        known = Standing().after_head(head_of_a_round(hospital, 1, None))
    shutil.copytree(hospital.state, backup)
    with serving(hospital, ScriptedSiteFactory()):
        known = known.after_head(head_of_a_round(hospital, 2, known.head))
    assert known.notices == ()
    shutil.rmtree(hospital.state)
    shutil.copytree(backup, hospital.state)
    AuditLog(hospital.state).entries()  # the log itself is sound

    with serving(hospital, ScriptedSiteFactory()):
        # A coordinator that does not say what it saw learns of it from the reply.
        assert known.after_head(head_of_a_round(hospital, 2, None)).notice == "log-replaced"
        with pytest.raises(PneumofedError) as refused:
            head_of_a_round(hospital, 3, known.head)
        assert refused.value.code == "log-cut"
        assert "log-cut" in [entry.event for entry in AuditLog(hospital.state).entries()]
        head_of_a_round(hospital, 3, None)  # as after `acknowledge`: the next head is the first
