"""The demo's own steps on tiny phantoms: from nothing to report and model, twice alike."""

import json

import numpy as np
import pytest

import deploy.demo
import deploy.simulation.grids
from deploy.demo import TRAINED_ON, Plan, full_plan, quick_plan, run_demo
from deploy.progress import Steps
from preprocessing.phantom.presets import hospital_plans
from shared_model.errors import PneumofedError
from shared_model.saved_model import load_model
from shared_model.study import load_study
from shared_model.weights import fingerprint

TINY = Plan(load_study("tiny"), hospital_plans("tiny", None), "tiny")


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
        "figures.csv", "hospitals", "initial.safetensors", "ledger", "model", "report.html", "report.json",
        "state", "stores",
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


def counts_of(plan: Plan, role: str) -> list[tuple[int, int, int]]:
    return [(h.covid, h.other, h.healthy) for h in plan.hospitals if h.role == role]


@pytest.mark.parametrize("name", ["demo", "paper", "one-class"])
@pytest.mark.parametrize(("plan_of", "scans", "held_out"), [(full_plan, 190, 15), (quick_plan, 24, 1)])
def test_scans_are_training_scans_and_two_held_out_hospitals_have_all_classes(name, plan_of, scans, held_out):
    plan = plan_of(name, scans)
    training = counts_of(plan, "training")
    assert sum(map(sum, training)) == scans
    assert counts_of(plan, "held-out") == [(held_out,) * 3] * 2
    if name == "one-class":
        assert all(sum(count > 0 for count in counts) == 1 for counts in training)


def test_where_nobody_has_both_classes_every_hospital_has_a_say_in_lobe_decisions():
    says = {
        name: {stage.say for stage in full_plan(name, None).study.stages} for name in ("paper", "one-class")
    }
    assert says["paper"] == {"scans", "two-class"} and says["one-class"] == {"scans", "equal"}


def test_too_few_scans_for_the_classes_or_an_unknown_federation_is_refused():
    for arguments, code in (
        (("paper", 8), "phantom-scans"),
        (("paper", 100), "phantom-scans"),  # 9 of other pneumonia at most, of which 7 would train
        (("huge", None), "phantom-preset"),
    ):
        with pytest.raises(PneumofedError) as caught:
            full_plan(*arguments)
        assert caught.value.code == code


def test_a_device_that_is_not_there_is_refused_before_anything_is_made(tmp_path):
    steps = Steps(quiet=True)
    with pytest.raises(PneumofedError) as caught:
        run_demo(tmp_path / "out", plan=TINY, seed=0, command="demo", steps=steps, device="cuda:99")
    assert caught.value.code == "no-device" and list(tmp_path.iterdir()) == []
