"""A whole simulation: its report, going on after kill -9, and what it refuses."""

import json
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deploy.progress import Steps
from deploy.simulate import Simulation, run_simulation
from preprocessing.settings import PreprocessingSettings
from preprocessing.store.lobe_store import LobeStore
from shared_model.errors import PneumofedError
from shared_model.file_lock import exclusive
from shared_model.saved_model import load_model
from shared_model.study import load_study
from shared_model.weights import fingerprint
from tests.support.processes import pneumofed, running, wait_until
from tests.support.simulated_stores import SMALL, simulated_hospitals
from tests.support.stores import disk_store, scan_of


@pytest.fixture(scope="module")
def hospitals(tmp_path_factory):
    return simulated_hospitals(tmp_path_factory.mktemp("a-secret-place"))


def simulate(out: Path, hospitals, **choices):
    simulation = Simulation(tuple(hospitals), choices.pop("study", SMALL), device="cpu", **choices)
    return run_simulation(out, simulation, "pneumofed simulate", Steps(quiet=True))


OPEN = {"count_floor": 1}
"""Three small hospitals have fewer patients than the default floor."""


def refused(out: Path, hospitals, **choices) -> PneumofedError:
    with pytest.raises(PneumofedError) as caught:
        simulate(out, hospitals, **choices)
    return caught.value


def test_the_report_has_the_users_names_and_no_path(hospitals, tmp_path):
    out = tmp_path / "out"
    document = simulate(out, hospitals, count_floor=1)
    assert {h["name"]: h["role"] for h in document["hospitals"]} == {
        "north": "training", "south": "training", "far": "held-out"
    }  # fmt: skip
    assert document["pooled"]["unseen"]["diseased"]["n"] == 9 and document["warnings"] == []
    weights, card = load_model(out / "model")
    assert fingerprint(weights) == document["weights_sha256"] and "north, south" in card.trained_on
    texts = [path.read_text() for path in (*out.glob("report.*"), *out.rglob("*.json"))]
    assert len(texts) > 5 and not any("a-secret-place" in text for text in texts)
    # The same command again measures once more and changes nothing.
    assert simulate(out, hospitals, count_floor=1)["weights_sha256"] == document["weights_sha256"]


def test_after_kill_9_the_same_command_goes_on_to_the_same_bits(hospitals, tmp_path):
    study = tmp_path / "mine.toml"
    study.write_text(in_toml(SMALL))
    places = [f"{h.name}={h.store}" + ":held-out" * (h.role == "held-out") for h in hospitals]
    command = pneumofed("simulate", "--study", study, "--out", tmp_path / "killed", "--device", "cpu")
    command += ["--floor", "1"]
    command += [word for place in places for word in ("--site", place)]
    with running(command, tmp_path / "log") as process:
        first_round = tmp_path / "killed" / "ledger" / "00-0001.json"
        wait_until(first_round.exists, seconds=240, what="the first round")
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert not (tmp_path / "killed" / "report.json").exists()
    before = first_round.read_bytes()
    resumed = simulate(tmp_path / "killed", hospitals, study=load_study(study), **OPEN)
    assert first_round.read_bytes() == before
    expected = simulate(tmp_path / "steady", hospitals, study=load_study(study), **OPEN)
    assert resumed["weights_sha256"] == expected["weights_sha256"]
    assert resumed["pooled"] == expected["pooled"]


def in_toml(study) -> str:
    """The small study as a researcher would write it."""
    stages = "".join(
        f"[[stages]]\nname = '{stage.name}'\nnetworks = {list(stage.networks)}\npart = '{stage.part}'\n"
        f"rounds = {stage.rounds}\nscans_per_batch = 2\nlobes_per_scan = 2\n"
        for stage in study.stages
    )
    return (
        f"name = '{study.name}'\nseed = {study.seed}\npreprocessing = '{study.preprocessing}'\n"
        "operating_point = 'validation'\n[network]\nwidth = 0.0625\npooling = 'mean'\ninit = 'random'\n"
        + stages
    )


@pytest.mark.gpu
@pytest.mark.parametrize("engine", ["local", "workers"])
def test_on_a_gpu_the_study_is_nearly_the_same(hospitals, tmp_path, engine):
    """Workers share it; other last bits than the processor's, of weights and so of scores."""
    here = simulate(tmp_path / "cpu", hospitals, count_floor=1)
    simulation = Simulation(hospitals, SMALL, 1, engine, "auto")
    there = run_simulation(tmp_path / "gpu", simulation, "pneumofed simulate", Steps(quiet=True))
    for task in ("diseased", "covid"):
        found, expected = (report["pooled"]["unseen"][task] for report in (there, here))
        assert found["n"] == expected["n"]
    one, other = (load_model(tmp_path / name / "model")[0] for name in ("cpu", "gpu"))
    for name, array in one.items():
        assert np.abs(array - other[name]).max() <= 1e-3 * max(1.0, np.abs(array).max()), name


def test_a_single_hospital_and_one_with_three_scans_are_allowed_and_told(tmp_path):
    three = [scan_of(f"s-{label}", label, slices=2) for label in ("covid", "other", "healthy")]
    disk_store(tmp_path / "alone", three)
    alone = replace(simulated_hospitals(tmp_path / "stores")[0], name="alone", store=tmp_path / "alone")
    assert refused(tmp_path / "floor", [alone]).code == "nobody-trained"
    document = simulate(tmp_path / "out", [alone], **OPEN)
    (hospital,) = document["hospitals"]
    assert hospital["counts"] == {"healthy": 1, "covid": 1, "other": 1}
    assert document["pooled"]["unseen"]["diseased"]["auc"] is None
    warnings = " ".join(document["warnings"])
    assert "nothing to federate" in warnings and "No hospital is held out" in warnings
    page = (tmp_path / "out" / "report.html").read_text()
    assert "nothing to federate" in page and "NaN" not in json.dumps(document)


def test_wrong_sites_are_refused_before_anything_is_written(hospitals, tmp_path):
    out = tmp_path / "out"
    north, south, far = hospitals
    other = LobeStore.create(tmp_path / "other", PreprocessingSettings(lobes="paper")).path
    empty = LobeStore.create(tmp_path / "empty", PreprocessingSettings()).path
    for code, sites in {
        "duplicate-hospital": [north, replace(south, name="north")],
        "duplicate-store": [north, replace(far, store=north.store)],
        "no-hospitals": [far, replace(north, role="held-out")],
        "store-missing": [north, replace(south, store=tmp_path / "nowhere")],
        "store-fingerprint": [north, replace(south, store=other)],
        "store-empty": [north, replace(south, store=empty)],
    }.items():
        error = refused(out, sites)
        assert error.code == code, code
        if code.startswith("store"):
            assert "south" in str(error)
    assert refused(out, hospitals, strategy="no.such:thing").code == "strategy-missing"
    assert not (out / "report.json").exists()


def test_a_folder_of_anything_else_is_left_alone(hospitals, tmp_path):
    (tmp_path / "mine.txt").write_text("precious")
    assert refused(tmp_path, hospitals).code == "out-exists"
    assert refused(tmp_path / "mine.txt", hospitals).code == "out-exists"
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_another_study_seed_floor_or_store_does_not_go_on_in_the_same_folder(hospitals, tmp_path):
    out = tmp_path / "out"
    assert refused(out, hospitals, strategy="no.such:thing").code == "strategy-missing"
    assert not out.exists()  # what was mistyped claims no folder
    bad = {"strategy": "json:loads", **OPEN}  # stops in the first round
    assert refused(out, hospitals, **bad).code == "strategy-failed"
    north, south, far = hospitals
    seeded = SMALL.model_copy(update={"seed": 6})
    assert refused(out, hospitals, **bad, study=seeded).code == "another-simulation"
    assert refused(out, hospitals, strategy="json:loads", count_floor=9).code == "another-simulation"
    assert refused(out, [north, far], **bad).code == "another-simulation"
    swapped = [replace(north, store=south.store), replace(south, store=north.store), far]
    assert refused(out, swapped, **bad).code == "another-simulation"
    assert refused(out, [north, replace(south, role="held-out"), far], **bad).code == "another-simulation"
    with exclusive(out / "lock"):
        assert refused(out, hospitals, **bad).code == "study-running"
