"""Subgroups through a whole study on the local engine, from records to report.json, at a floor of 2."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from client.learning.site import Site
from deploy.progress import Steps
from deploy.simulate import Simulation, run_simulation
from deploy.simulation.store_sites import SimulatedHospital
from preprocessing.store.lobe_store import LobeStore
from shared_model.metrics.score_histogram import probability_bin
from shared_model.saved_model import load_model
from tests.support.simulated_stores import SMALL
from tests.support.stores import disk_store, scan_of

FLOOR = 2
STUDY = SMALL.model_copy(update={"subgroups": "slice-thickness"})
Thicknesses = Mapping[str, list[float | None]]
HELD_OUT: dict[str, Thicknesses] = {
    "far": {"covid": [1.0] * 3 + [6.0] * 4, "other": [1.0] * 4, "healthy": [1.0, 1.5, 1.5, 3.0]},
    "away": {"covid": [1.0] * 3, "other": [None] * 4, "healthy": [1.0, 3.0, 6.0]},
}
TOLD = {
    ("far", "covid"): {"thin": 3, "thick": 4},
    ("far", "other"): {"thin": 4},
    ("far", "healthy"): {"thin": 4},  # one of them is not, which nobody can tell from none
    ("away", "covid"): {},  # 3 patients are fewer than twice the floor
    ("away", "other"): {"unknown": 4},
    ("away", "healthy"): {},
}


def store(folder: Path, thicknesses: Thicknesses, fold: float) -> None:
    scans = []
    for label, found in thicknesses.items():
        for number, thickness in enumerate(found):
            key = f"{folder.name}-{label}-{fold}-{number}"
            record, arrays = scan_of(key, label, slices=1, fold=fold + number / 1000)
            scans.append((replace(record, thickness_mm=thickness), arrays))
    disk_store(folder, scans)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("study")
    store(folder / "north", dict.fromkeys(("covid", "other", "healthy"), [2.0, 2.0]), 0.1)
    hospitals = [SimulatedHospital("north", "training", folder / "north")]
    for name, thicknesses in HELD_OUT.items():
        store(folder / name, thicknesses, 0.1)
        hospitals.append(SimulatedHospital(name, "held-out", folder / name))
    simulation = Simulation(tuple(hospitals), STUDY, FLOOR, device="cpu")
    return folder, run_simulation(folder / "out", simulation, "pneumofed simulate", Steps(quiet=True))


def test_each_hospital_tells_what_its_floor_allows(study: tuple[Path, dict[str, Any]]) -> None:
    folder, document = study
    result = json.loads((folder / "out" / "ledger" / "result.json").read_text())
    for (hospital, label), expected in TOLD.items():
        subgroups = result["evaluations"][hospital].get("subgroups", {})
        told = {part: scores["diseased"].get(label) for part, scores in subgroups.items()}
        assert {part: one["patients"] for part, one in told.items() if one} == expected, (hospital, label)
    parts = document["subgroups"]["groups"]["unseen"]["parts"]
    assert {part["part"]: part["hospitals"] for part in parts} == {
        "thin": ["far"], "thick": ["far"], "unknown": ["away"]
    }  # fmt: skip
    assert document["subgroups"]["groups"]["unseen"]["untold"] == {"diseased": 6, "covid": 3}


def test_the_figures_are_those_of_the_scans_of_each_thickness(study: tuple[Path, dict[str, Any]]) -> None:
    """The oracle measures a hospital that has the scans of one part alone, with the study's final weights."""
    folder, document = study
    weights, card = load_model(folder / "out" / "model")
    far = LobeStore.open(folder / "far")
    thin = [scan for scan in far.scans() if scan.label != "covid" or scan.thickness_mm == 1.0]
    site = Site(far, STUDY, role="held-out", count_floor=1, scans=thin)
    alone = site.evaluate(weights, split="all")
    assert not alone.subgroups  # they come with calls only, when the model is measured
    block = next(p for p in document["subgroups"]["groups"]["unseen"]["parts"] if p["part"] == "thin")
    point = probability_bin(card.operating_point.diseased)
    sensitivity, area = block["diseased"]["sensitivity"], alone.auc("diseased")
    assert (sensitivity["k"], sensitivity["n"]) == (alone.positive("diseased").at_least(point), 7)
    assert area is not None and block["diseased"]["within_auc"]["value"] == pytest.approx(area.value)
