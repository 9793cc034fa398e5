"""A small study for a deployed federation, and what the local engine makes of the same."""

import shutil
from pathlib import Path

import pytest

from client.learning.site import Site
from deploy.simulation.local_grid import LocalGrid, client_app
from preprocessing.settings import PreprocessingSettings
from preprocessing.store.lobe_store import LobeStore
from server.dispatch import RoundPolicy
from server.ledger import Ledger
from server.rounds import run_study
from shared_model.protocol import Role
from shared_model.study import load_study
from shared_model.weights import fingerprint
from tests.support.deployment import Deployment
from tests.support.initial_weights import initial_weights

_NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin")
DEPLOYED = [pytest.mark.ci, pytest.mark.skipif(_NGINX is None, reason="nginx is not installed")]
"""Marks of the tests that need a whole deployment."""
HOSPITALS: dict[str, Role] = {"north": "training", "south": "training", "east": "held-out"}


def study_file(folder: Path, name: str, *, rounds: int = 2, epochs: int = 1) -> Path:
    path = folder / f"{name}.toml"
    path.write_text(
        f'name = "{name}"\nseed = 1\npreprocessing = "{PreprocessingSettings().fingerprint}"\n'
        '[network]\nwidth = 0.0625\npooling = "mean"\ninit = "random"\n'
        '[[stages]]\nname = "lobes"\nnetworks = ["diseased", "covid"]\n'
        f"rounds = {rounds}\nepochs = {epochs}\nscans_per_batch = 2\nlobes_per_scan = 2\n"
    )
    return path


def propose_and_approve(federation: Deployment, study: Path) -> None:
    """Every hospital is shown the study, and approves it."""
    federation.propose(study)
    for name in HOSPITALS:
        federation.approve(name)


def trainings_begun(federation: Deployment, name: str) -> int:
    return sum(e.event == "task" and e.facts["task"] == "train" for e in federation.audit(name))


def local_fingerprint(federation: Deployment, study_path: Path) -> str:
    """The final weights of the same study and hospitals on the local engine."""
    study = load_study(study_path)
    sites = {
        name: Site(
            LobeStore.open(federation.folder / name / "store"), study, role=role, device="cpu", count_floor=1
        )
        for name, role in HOSPITALS.items()
    }
    grid = LocalGrid(client_app(sites.__getitem__), list(sites))
    weights = initial_weights(study)
    ledger = Ledger(federation.folder / f"local-{study.name}", study, weights)
    result = run_study(grid, study, weights, ledger=ledger, policy=RoundPolicy(poll_s=0))
    return fingerprint(result.weights)
