"""The deployment engine with real processes, TLS and kill -9: the bits are those of the local engine."""

import shutil
import subprocess
from contextlib import suppress

import pytest

from deploy.coordinator.settings import load_federation
from deploy.coordinator.status import status_document
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


@pytest.fixture(scope="module")
def federation(tmp_path_factory):
    with Deployment.started(tmp_path_factory.mktemp("federation"), HOSPITALS, quorum=2) as deployment:
        yield deployment


def test_a_study_that_all_approved_gives_the_local_engines_bits(federation):
    study = study_file(federation.folder, "plain")
    federation.propose(study)
    (proposed,) = status_document(load_federation(federation.file))["studies"]
    for name in HOSPITALS:  # what people compare by telephone
        assert federation.audit(name)[-1].facts["study"] == proposed["fingerprint"]
    assert not any(entry.event == "task" for name in HOSPITALS for entry in federation.audit(name))
    for name in HOSPITALS:
        federation.approve(name)
    weights = federation.weights(federation.run(study))
    assert fingerprint(weights) == local_fingerprint(federation, study)
    left = [entry.facts["task"] for entry in federation.audit("east") if entry.event == "returned"]
    assert "train" not in left and "evaluate" in left


def test_node_and_trainer_killed_while_they_train_cost_time_and_no_bit(federation):
    study = study_file(federation.folder, "killed", epochs=30)
    propose_and_approve(federation, study)
    before = {name: trainings_begun(federation, name) for name in HOSPITALS}
    command = pneumofed(*federation.run_arguments(study))
    with running(command, federation.folder / "killed.out") as run:
        for name, process in (("north", "node"), ("south", "trainer")):
            wait_until(
                lambda name=name: trainings_begun(federation, name) > before[name],
                seconds=180,
                what=f"training at {name}",
            )
            federation.kill(name, process)
        assert run.wait(timeout=900) == 0, (federation.folder / "killed.out").read_text()
    weights = federation.weights(federation.run(study))  # the ledger has it all
    assert fingerprint(weights) == local_fingerprint(federation, study)
    assert any(e.event == "failed" and e.facts["code"] == "cancelled" for e in federation.audit("north"))


def test_a_killed_superlink_ends_or_goes_on_and_the_same_command_finishes(federation):
    study = study_file(federation.folder, "superlink", rounds=3)
    propose_and_approve(federation, study)
    command = pneumofed(*federation.run_arguments(study))
    with running(command, federation.folder / "superlink.out") as run:
        wait_until(
            lambda: "1 of 3 rounds done" in (federation.folder / "superlink.out").read_text(),
            seconds=300,
            what="round 1",
        )
        federation.kill("serve", "superlink")
        code = run.wait(timeout=900)
    assert code in (0, 1)
    federation.wait_until_online(*HOSPITALS)
    weights = federation.weights(federation.run(study))
    assert fingerprint(weights) == local_fingerprint(federation, study)


def test_a_revoked_hospital_is_out_at_once_and_back_with_a_new_kit(federation):
    assert federation.command("coordinator", "revoke", federation.file, "south").returncode == 0
    assert federation.connections()["south"] == "shut out"
    study = study_file(federation.folder, "without-south")
    done = federation.run(study)
    assert done.returncode == 1 and "too-few-hospitals" in done.stderr
    assert "2 hospitals must train, 1 can" in done.stderr and "south" not in done.stderr.splitlines()[-1]
    assert federation.command("coordinator", "kit", federation.file, "south").returncode == 0
    federation.unpack("south")
    with suppress(ProcessLookupError):  # with its old key it may have just ended
        federation.kill("south", "node")
    federation.wait_until_online("south")


def test_a_stranger_with_a_key_of_its_own_does_not_get_in(federation):
    stranger = federation.folder / "stranger"
    stranger.mkdir()
    for file in ("hospital.toml", "ca.crt", "client.crt", "client.key"):  # the proxy lets it pass
        shutil.copy(federation.folder / "north" / file, stranger)
    key = ["-f", stranger / "hospital.key", "-t", "ecdsa", "-b", "256", "-N", ""]
    subprocess.run(["ssh-keygen", "-q", *key], check=True)
    log = federation.folder / "stranger.log"
    with running(pneumofed("hospital", "node", "--site", stranger / "hospital.toml"), log) as node:
        assert node.wait(timeout=120) != 0
    assert "does not take this hospital's key" in log.read_text()
    assert set(federation.connections()) == set(HOSPITALS)
