"""A run that brings code: from a coordinator that lets it run, and from a local user of an honest one.

Nobody runs it, nothing of it is on a hospital's disk, and honest studies go on.
"""

import sys
from pathlib import Path

import pytest

from deploy.coordinator.folder import CoordinatorFolder
from deploy.coordinator.settings import load_federation
from shared_model.weights import Weights
from tests.support.deployed_study import DEPLOYED, study_file
from tests.support.deployment import Deployment
from tests.support.processes import running, wait_until
from tests.support.pushed_bundle import SIGN, bundle_of, run_to_its_end

pytestmark = DEPLOYED

HOSPITAL = "north"


class Attack:
    """The bundle, the files that its code would write, and where else it could have left something."""

    def __init__(self, folder: Path) -> None:
        self.at_hospital, self.at_coordinator = folder / "at-hospital", folder / "at-coordinator"
        self.replies = folder / "replies"
        self.bundle = bundle_of(
            client_marker=self.at_hospital, server_marker=self.at_coordinator, replies=self.replies
        )


def files_with(text: str, folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


@pytest.fixture(scope="module")
def federation(tmp_path_factory):
    """Provisioned, its hospital there, and nobody who serves."""
    deployment = Deployment(tmp_path_factory.mktemp("federation"), {HOSPITAL: "training"}, quorum=1)
    deployment.provision()
    try:
        deployment.join(HOSPITAL)
        yield deployment
    finally:
        deployment.close()


def trained(federation: Deployment, name: str) -> Weights:
    """The weights of an honest study."""
    study = study_file(federation.folder, name, rounds=1)
    federation.propose(study)
    federation.approve(HOSPITAL)
    return federation.weights(federation.run(study))


def test_a_hospital_does_not_run_what_a_coordinator_pushes_and_says_so(federation, tmp_path):
    attack = Attack(tmp_path)
    serve = [sys.executable, "-m", "tests.support.pushed_bundle", str(federation.file)]
    with running(serve, federation.folder / "lying.log"):
        wait_until(federation.serving, seconds=60, what="the coordinator")
        federation.wait_until_online(HOSPITAL)
        ended = run_to_its_end(load_federation(federation.file), attack.bundle)
    assert ended.startswith("completed") and attack.at_coordinator.exists()
    assert not attack.at_hospital.exists()
    assert attack.replies.read_text() == "bundle-refused"
    assert files_with(SIGN, federation.folder / HOSPITAL) == []
    refused = [entry.facts for entry in federation.audit(HOSPITAL) if entry.event == "refused"]
    assert refused == [{"task": "bundle", "code": "bundle-refused"}]


def test_a_coordinator_does_not_run_what_a_local_user_starts_and_honest_studies_go_on(federation, tmp_path):
    attack = Attack(tmp_path)
    federation.serve()
    wait_until(federation.serving, seconds=60, what="the coordinator")
    federation.wait_until_online(HOSPITAL)
    ended = run_to_its_end(load_federation(federation.file), attack.bundle)
    assert ended.startswith("failed") and "bundle-refused" in ended
    assert not attack.at_coordinator.exists() and not attack.replies.exists()
    home = CoordinatorFolder(load_federation(federation.file).state).flower_home
    assert files_with(str(attack.at_coordinator), home) == []
    assert trained(federation, "honest")
