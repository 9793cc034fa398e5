"""Faults of the coordinator and of the network between, with real processes: the bits are those of `local`.

The network is cut by stopping the proxy: connections stay open and nothing comes back.
"""

import os
import shutil
import signal
import time

import pytest

from shared_model.weights import fingerprint
from tests.support.deployed_study import (
    DEPLOYED,
    HOSPITALS,
    local_fingerprint,
    propose_and_approve,
    study_file,
    trainings_begun,
)
from tests.support.deployment import Deployment
from tests.support.processes import pneumofed, running, wait_until

pytestmark = DEPLOYED

CUT_S = 30.0


@pytest.fixture(scope="module")
def federation(tmp_path_factory):
    with Deployment.started(tmp_path_factory.mktemp("faults"), HOSPITALS, quorum=2) as deployment:
        yield deployment


def test_a_network_that_is_cut_for_half_a_minute_costs_time_and_no_bit(federation):
    study = study_file(federation.folder, "cut")
    propose_and_approve(federation, study)
    before = trainings_begun(federation, "north")
    proxy = federation.process("serve", "proxy")
    with running(pneumofed(*federation.run_arguments(study)), federation.folder / "cut.out") as run:
        wait_until(
            lambda: trainings_begun(federation, "north") > before, seconds=300, what="training at north"
        )
        os.killpg(proxy, signal.SIGSTOP)
        try:
            time.sleep(CUT_S)  # the fault itself
        finally:
            os.killpg(proxy, signal.SIGCONT)
        assert run.wait(timeout=900) == 0, (federation.folder / "cut.out").read_text()
    weights = federation.weights(federation.run(study))  # the ledger has it all
    assert fingerprint(weights) == local_fingerprint(federation, study)


def test_the_whole_coordinator_killed_and_moved_goes_on_by_the_same_command(federation, tmp_path):
    study = study_file(federation.folder, "moved", rounds=3)
    propose_and_approve(federation, study)
    out = federation.folder / "moved.out"
    with running(pneumofed(*federation.run_arguments(study)), out) as run:
        wait_until(lambda: "1 of 3 rounds done" in out.read_text(), seconds=600, what="round 1")
        os.kill(federation.parent("serve", "proxy"), signal.SIGKILL)
        for name in ("superlink", "executor", "nodes", "proxy"):
            federation.kill("serve", name)
        assert run.wait(timeout=400) == 1
    for part in ("coordinator", "federation.toml"):
        shutil.move(federation.folder / part, tmp_path / part)
    federation.file = tmp_path / "federation.toml"
    federation.serve()
    federation.wait_until_online(*HOSPITALS)
    weights = federation.weights(federation.run(study))
    assert fingerprint(weights) == local_fingerprint(federation, study)
