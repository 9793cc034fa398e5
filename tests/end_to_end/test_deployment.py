"""The deployment engine with real processes, TLS and kill -9: the bits are those of the local engine."""

import shutil
import subprocess
from pathlib import Path

import pytest
import torch

from client.node.app import make_client_app
from client.training import Site
from deploy.engines import LocalGrid
from preprocessing.settings import PreprocessingSettings
from preprocessing.store import LobeStore
from server.exchange import RoundPolicy
from server.ledger import Ledger
from server.rounds import run_study
from shared_model.config import load_study
from shared_model.initial import initial_weights
from shared_model.transport import fingerprint
from tests.end_to_end.deployment import Deployment
from tests.end_to_end.processes import pneumofed, running, wait_until

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin")

pytestmark = [pytest.mark.slow, pytest.mark.skipif(NGINX is None, reason="nginx is not installed")]

HOSPITALS = {"north": "training", "south": "training", "east": "held-out"}


def study_file(folder: Path, name: str, *, rounds: int = 2, epochs: int = 1) -> Path:
    path = folder / f"{name}.toml"
    path.write_text(
        f'name = "{name}"\nseed = 1\npreprocessing = "{PreprocessingSettings().fingerprint}"\n'
        '[network]\nwidth = 0.0625\npooling = "mean"\ninit = "random"\n'
        '[[stages]]\nname = "lobes"\nnetworks = ["diseased", "covid"]\n'
        f"rounds = {rounds}\nepochs = {epochs}\nscans_per_batch = 2\nlobes_per_scan = 2\n"
    )
    return path


@pytest.fixture(scope="module")
def federation(tmp_path_factory):
    with Deployment.started(tmp_path_factory.mktemp("federation"), HOSPITALS, quorum=2) as deployment:
        yield deployment


def local_fingerprint(federation: Deployment, study_path: Path) -> str:
    """The final weights of the same study and hospitals on the local engine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    study = load_study(study_path)
    sites = {
        name: Site(
            LobeStore.open(federation.folder / name / "store"), study, role=role, device="cpu", count_floor=1
        )
        for name, role in HOSPITALS.items()
    }
    grid = LocalGrid(make_client_app(lambda context, _: sites[context.node_config["hospital"]]), list(sites))
    weights = initial_weights(study)
    ledger = Ledger(federation.folder / f"local-{study.name}", study, weights)
    result = run_study(grid, study, weights, ledger=ledger, policy=RoundPolicy(poll_s=0))
    torch.set_num_threads(threads)
    return fingerprint(result.weights)


def propose_and_approve(federation: Deployment, study: Path) -> None:
    """The first run is refused by every hospital, which gives them something to decide on."""
    done = federation.run(study)
    assert done.returncode == 1 and "no-hospitals" in done.stderr
    for name in HOSPITALS:
        federation.approve(name)


def test_a_study_that_all_approved_gives_the_local_engines_bits(federation):
    study = study_file(federation.folder, "plain")
    done = federation.run(study)
    assert done.returncode == 1
    assert all(f"{name}: study-not-approved" in done.stderr for name in HOSPITALS)
    assert not any(entry.event == "task" for name in HOSPITALS for entry in federation.audit(name))
    for name in HOSPITALS:
        federation.approve(name)
    weights = federation.weights(federation.run(study))
    assert fingerprint(weights) == local_fingerprint(federation, study)
    left = [entry.facts["task"] for entry in federation.audit("east") if entry.event == "returned"]
    assert "train" not in left and "evaluate" in left


def trainings_begun(federation: Deployment, name: str) -> int:
    return sum(e.event == "task" and e.facts["task"] == "train" for e in federation.audit(name))


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
            lambda: "1 rounds done" in (federation.folder / "superlink.out").read_text(),
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
    assert done.returncode == 1 and "south" not in done.stderr.splitlines()[-1]
    assert federation.command("coordinator", "kit", federation.file, "south").returncode == 0
    federation.unpack("south")
    federation.kill("south", "node")
    federation.wait_until_online("south")


def test_a_stranger_with_a_key_of_its_own_does_not_get_in(federation):
    stranger = federation.folder / "stranger"
    stranger.mkdir()
    for file in ("hospital.toml", "ca.crt"):
        shutil.copy(federation.folder / "north" / file, stranger)
    key = ["-f", stranger / "hospital.key", "-t", "ecdsa", "-b", "256", "-N", ""]
    subprocess.run(["ssh-keygen", "-q", *key], check=True)
    log = federation.folder / "stranger.log"
    with running(pneumofed("hospital", "node", "--site", stranger / "hospital.toml"), log) as node:
        assert node.wait(timeout=120) != 0
    assert "Failed to activate SuperNode" in log.read_text()
    assert set(federation.connections()) == set(HOSPITALS)
