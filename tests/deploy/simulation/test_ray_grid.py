"""The engine `ray` with real workers: the bits of the engine `workers`, and its failures told alike."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from client.learning.site import Site
from deploy.simulation.grids import POLL_S, Engine, open_grid
from preprocessing.settings import PreprocessingSettings
from preprocessing.store.lobe_store import LobeStore
from server.dispatch import RoundPolicy
from server.ledger import Ledger
from server.rounds import run_study
from server.study_result import FinishedStudy
from shared_model.errors import PneumofedError
from shared_model.initial_weights import initial_weights
from shared_model.study import NetworkConfig, StudyConfig
from shared_model.study_stage import StageConfig
from shared_model.weights import fingerprint
from tests.support.processes import ROOT
from tests.support.stores import disk_store, scan_of

ROLES = {"east": "held-out", "north": "training", "south": "training", "west": "training"}
STUDY = StudyConfig(
    name="three engines",
    seed=3,
    preprocessing=PreprocessingSettings().fingerprint,
    network=NetworkConfig(width=0.0625, pooling="mean", init="random"),
    stages=(
        StageConfig(
            name="lobes", networks=("diseased", "covid"), rounds=2, scans_per_batch=2, lobes_per_scan=2
        ),
    ),
)


@dataclass(frozen=True)
class Sites:
    """West's store cannot be opened."""

    folder: Path

    def __call__(self, hospital: str) -> Site:
        store = LobeStore.open(self.folder / hospital)
        return Site(store, STUDY, role=ROLES[hospital], device="cpu", count_floor=1)


def result_of(engine: Engine, folder: Path, out: Path) -> FinishedStudy:
    weights = initial_weights(STUDY)
    ledger = Ledger(out, STUDY, weights)
    with open_grid(engine, Sites(folder), list(ROLES)) as grid:
        policy = RoundPolicy(poll_s=POLL_S, quorum=2)
        return run_study(grid, STUDY, weights, ledger=ledger, policy=policy)


@pytest.mark.ci
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning")
def test_the_weights_of_ray_are_those_of_workers_bit_for_bit(tmp_path, monkeypatch):
    pytest.importorskip("ray")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # Ray's workers import the hospitals from here
    for name in ("east", "north", "south"):
        disk_store(
            tmp_path / name, [scan_of(f"{name}-{label}", label) for label in ("covid", "healthy", "other")]
        )
    workers = result_of("workers", tmp_path, tmp_path / "workers")
    ray = result_of("ray", tmp_path, tmp_path / "ray")
    assert fingerprint(ray.weights) == fingerprint(workers.weights) != fingerprint(initial_weights(STUDY))
    assert {n: e.to_json() for n, e in ray.evaluations.items()} == {
        n: e.to_json() for n, e in workers.evaluations.items()
    }
    assert ray.left_out["west"].reason == workers.left_out["west"].reason == "store-missing"
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"


def test_without_ray_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(PneumofedError) as caught, open_grid("ray", Sites(tmp_path), ["north"]):
        pass
    assert caught.value.code == "ray-missing" and "pneumofed[simulation]" in str(caught.value)
