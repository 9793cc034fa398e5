"""The demo's own steps on tiny phantoms: from nothing to report and model, twice alike."""

import json

import numpy as np
import pytest

import deploy.demo
import deploy.simulation.grids
from deploy.demo import TRAINED_ON, Plan, run_demo
from deploy.progress import Steps
from preprocessing.phantom.presets import hospital_plans
from shared_model.errors import PneumofedError
from shared_model.saved_model import load_model
from shared_model.weights import fingerprint

TINY = Plan("tiny", hospital_plans("tiny", None), "tiny")


@pytest.fixture(autouse=True)
def one_core(monkeypatch):
    """Processes cost more than they bring here."""
    for module in (deploy.demo, deploy.simulation.grids):
        monkeypatch.setattr(module, "cores", lambda: 1)


def demo(out, seed=0):
    steps = Steps(quiet=True)
    return run_demo(out, plan=TINY, seed=seed, command="pneumofed demo", steps=steps), steps


def test_two_demos_of_one_seed_give_the_same_model_and_a_whole_report(tmp_path):
    document, steps = demo(tmp_path / "one")
    again, _ = demo(tmp_path / "two")
    assert document["weights_sha256"] == again["weights_sha256"]
    assert document["hospitals"] == again["hospitals"]

    out = tmp_path / "one"
    assert json.loads((out / "report.json").read_text()) == document
    assert sorted(path.name for path in out.iterdir()) == [
        "hospitals", "initial.safetensors", "ledger", "model", "report.html", "report.json", "state",
        "stores",
    ]  # fmt: skip
    roles = {hospital["name"]: hospital["role"] for hospital in document["hospitals"]}
    assert roles == {"north": "training", "lakeside": "training", "harbour": "held-out"}
    assert document["pooled"]["unseen"]["diseased"]["n"] == 4
    assert all(seconds > 0 for seconds in steps.seconds.values()) and len(steps.seconds) == 4
    page = (out / "report.html").read_text()
    assert TRAINED_ON in page and page.count("data:image/png;base64,") == 3

    weights, card = load_model(out / "model")
    assert fingerprint(weights) == document["weights_sha256"] and card.trained_on == TRAINED_ON
    assert card.operating_point.model_dump() == document["operating_point"]
    assert all(np.isfinite(array).all() for array in weights.values())
    assert list(tmp_path.glob(".*")) == []


def test_a_failure_halfway_leaves_nothing(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise PneumofedError("quorum-missed", "stop here")

    monkeypatch.setattr(deploy.demo, "prepare", fail)
    with pytest.raises(PneumofedError):
        demo(tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
