"""`pneumofed hospital status`: what a hospital's own files tell."""

import time

import numpy as np
import pytest

from client.hospital_settings import load_hospital_settings
from client.node.connection import write_connection
from client.records.audit import AuditLog
from client.trainer.approvals import Approvals
from deploy.hospital_status import hospital_status, status_in_words
from shared_model.proposal import Proposal
from shared_model.study import StudyConfig
from shared_model.study_stage import StageConfig
from tests.support.stores import disk_store, scan_of

WEIGHTS = {"diseased/attention.bias": np.zeros(2, np.float32)}


@pytest.fixture
def hospital(tmp_path):
    path = tmp_path / "hospital.toml"
    path.write_text('name = "north"\n[coordinator]\naddress = "localhost:9"\n')
    return load_hospital_settings(path)


def test_a_hospital_that_only_unpacked_its_kit(hospital):
    status = hospital_status(hospital)
    assert (
        status["store"] == {"problem": "store-missing"} and not status["trainer"] and status["last"] is None
    )
    words = "\n".join(status_in_words(status))
    assert (
        "does not run: start `pneumofed hospital join`" in words and "cannot be used: store-missing" in words
    )


def test_a_hospital_at_work(hospital):
    disk_store(hospital.store, [scan_of("one", "covid")])
    hospital.node.mkdir()
    write_connection(hospital.node, "connected")
    stage = StageConfig(name="lobes", networks=("diseased",), rounds=1)
    proposal = Proposal.of(StudyConfig(name="lungs", preprocessing="0" * 16, stages=(stage,)), WEIGHTS)
    approvals = Approvals(hospital.state, 10)
    approvals.receive(proposal)
    approvals.decide(proposal, "approved", at=time.time())
    approvals.pause()
    AuditLog(hospital.state).write("paused", by="somebody")
    status = hospital_status(hospital)
    assert (status["name"], status["role"], status["store"]) == ("north", "training", {"scans": 1})
    assert status["node"]["state"] == "connected" and status["last"]["event"] == "paused"
    words = "\n".join(status_in_words(status))
    for part in (
        "connected to the coordinator since",
        "1 scan\n",
        "paused: ",
        f"({proposal.fingerprint}): approved",
    ):
        assert part in words
