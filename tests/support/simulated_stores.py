"""Stores of three small hospitals for simulations, a study for them, and its loop by hand."""

from pathlib import Path

import numpy as np

from client.learning.site import Site
from deploy.simulation.store_sites import SimulatedHospital
from preprocessing.store.lobe_store import LobeStore
from shared_model.study import StudyConfig
from shared_model.weights import Weights
from tests.support.small_study import STUDY
from tests.support.stores import disk_store, scan_of

SMALL = STUDY.model_copy(update={"name": "small", "operating_point": "validation"})
VALIDATION, TEST = 0.85, 0.95


def simulated_hospitals(folder: Path) -> tuple[SimulatedHospital, ...]:
    """`north` and `south` train, `far` is held out; all stores are under `folder`."""
    folds = {"covid": 0.1, "other": 0.2, "healthy": 0.3}
    for name in ("far", "north", "south"):
        scans = [scan_of(f"{name}-{label}", label, slices=2, fold=fold) for label, fold in folds.items()]
        scans += [scan_of(f"{name}-v-{label}", label, slices=2, fold=VALIDATION) for label in folds]
        scans += [scan_of(f"{name}-t-{label}", label, slices=2, fold=TEST) for label in folds]
        disk_store(folder / name, scans)
    return (
        SimulatedHospital("north", "training", folder / "north"),
        SimulatedHospital("south", "training", folder / "south"),
        SimulatedHospital("far", "held-out", folder / "far"),
    )


def averaged_by_hand(
    hospitals: tuple[SimulatedHospital, ...], study: StudyConfig, weights: Weights, stage: int, round: int
) -> Weights:
    """The weights after a round of all hospitals that train: each trains at its own Site, numpy averages."""
    results = []
    for hospital in hospitals:
        if hospital.role == "training":
            site = Site(LobeStore.open(hospital.store), study, role="training", count_floor=1)
            results.append(site.train(weights, stage=stage, round=round))
    averaged = dict(weights)
    for name in results[0].weights:
        counts = [result.scans[name.split("/")[0]] for result in results]
        arrays = [result.weights[name].astype(np.float64) for result in results]
        averaged[name] = np.average(arrays, axis=0, weights=counts).astype(np.float32)
    return averaged
