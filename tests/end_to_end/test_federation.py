"""Real networks in real hospitals' code, joined by the round loop: the federation against pooled learning."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from client.learning.site import Site
from deploy.simulation.local_grid import LocalGrid, client_app
from server.dispatch import RoundPolicy
from server.ledger import Ledger
from server.rounds import run_study
from shared_model.network_weights import load_weights, to_weights
from shared_model.networks import make_networks
from shared_model.study import NetworkConfig, StudyConfig
from shared_model.study_stage import StageConfig
from shared_model.weights import fingerprint
from tests.support.initial_weights import initial_weights
from tests.support.stores import FINGERPRINT, MemoryStore, scan_of

HOSPITALS = {
    "mixed": [scan_of("m1", "covid"), scan_of("m2", "other"), scan_of("m3", "healthy")],
    "healthy-only": [scan_of("h1", "healthy"), scan_of("h2", "healthy")],
    "covid-only": [scan_of(f"c{i}", "covid") for i in range(3)],
}
RATE = 0.05


def study_of(*stages: StageConfig, dropout: float = 0.0) -> StudyConfig:
    network = NetworkConfig(width=0.0625, dropout=dropout, pooling="mean", init="random")
    return StudyConfig(name="test", seed=3, preprocessing=FINGERPRINT, network=network, stages=stages)


def run(study, folder, hospitals=HOSPITALS, weights=None):
    sites = {
        name: Site(MemoryStore(scans), study, role="training", device="cpu", count_floor=1)
        for name, scans in hospitals.items()
    }
    grid = LocalGrid(client_app(sites.__getitem__), list(sites))
    weights = initial_weights(study) if weights is None else weights
    ledger = Ledger(folder, study, weights)
    return run_study(grid, study, weights, ledger=ledger, policy=RoundPolicy(poll_s=0))


ONE_STEP = StageConfig(
    name="one step",
    networks=("diseased", "covid"),
    rounds=1,
    scans_per_batch=100,
    lobes_per_scan=10,
    jitter=False,
    optimizer="sgd",
    learning_rate=RATE,
    concordance_weight=0,
    patch_weight=0,
)


def small_weights(study):
    """Torch's own initial weights, all below 1: scaled ones reach 20, of which float32 has no 1e-6."""
    with torch.random.fork_rng():
        torch.manual_seed(study.seed)
        return to_weights(make_networks(study.network))


def pooled_step(study, weights):
    """One step of plain gradient descent on all scans in one place, written out."""
    networks = make_networks(study.network)
    load_weights(networks, weights)
    scans = [scan for scans in HOSPITALS.values() for scan in scans]
    for task, network in networks.items():
        chosen = [(s, a) for s, a in scans if task == "diseased" or s.label != "healthy"]
        loss = torch.zeros(())
        for study_record, arrays in chosen:
            images = torch.from_numpy(arrays.images.astype(np.float32))
            logits = network(images, torch.from_numpy(arrays.distance)).lobe
            positive = study_record.label == "covid" or (task == "diseased" and study_record.label == "other")
            top = logits[logits.argsort(descending=True)[:3]]
            target = torch.full_like(top, float(positive))
            loss = loss + F.binary_cross_entropy_with_logits(top, target) / len(chosen)
        loss.backward()
        with torch.no_grad():
            for parameter in network.parameters():
                if parameter.grad is not None:
                    parameter -= RATE * parameter.grad
    return to_weights(networks)


def test_one_round_of_full_batch_steps_equals_one_pooled_step(tmp_path):
    study = study_of(ONE_STEP)
    initial = small_weights(study)
    parameters = [array for name, array in initial.items() if not name.endswith("/lobe.deviation")]
    assert max(float(np.abs(array).max()) for array in parameters) < 1
    result = run(study, tmp_path, weights=initial)
    expected = pooled_step(study, initial)
    moved = max(float(np.abs(expected[n] - initial[n]).max()) for n in initial)
    assert moved > 1e-3, "the step must be far larger than the tolerance"
    for name in expected:
        np.testing.assert_allclose(result.weights[name], expected[name], rtol=0, atol=1e-6, err_msg=name)
    scans = {name: reply.scans for name, reply in result.rounds[0].train.items()}
    assert scans == {
        "covid-only": {"diseased": 3, "covid": 3},
        "healthy-only": {"diseased": 2, "covid": 0},
        "mixed": {"diseased": 3, "covid": 2},
    }


FEW_STEPS = StageConfig(
    name="lobes", networks=("diseased", "covid"), rounds=2, scans_per_batch=2, lobes_per_scan=2
)


def test_the_same_seed_gives_the_same_bits_with_dropout_and_jitter(tmp_path):
    study = study_of(FEW_STEPS, dropout=0.5)
    one, two = run(study, tmp_path / "a"), run(study, tmp_path / "b")
    assert fingerprint(one.weights) == fingerprint(two.weights)
    other = study.model_copy(update={"seed": 4})
    assert fingerprint(run(other, tmp_path / "c").weights) != fingerprint(one.weights)


def test_a_study_that_was_stopped_goes_on_to_the_same_bits(tmp_path, monkeypatch):
    study = study_of(FEW_STEPS, dropout=0.5)
    train = Site.train

    def stop_in_round_2(self, weights, *, stage, round):
        if round == 2:
            raise KeyboardInterrupt
        return train(self, weights, stage=stage, round=round)

    with monkeypatch.context() as patch:
        patch.setattr(Site, "train", stop_in_round_2)
        with pytest.raises(KeyboardInterrupt):
            run(study, tmp_path / "a")
    resumed = run(study, tmp_path / "a")
    assert fingerprint(resumed.weights) == fingerprint(run(study, tmp_path / "b").weights)
