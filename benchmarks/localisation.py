"""Segmentation of infection learned from scan labels alone.

`python -m benchmarks.localisation [--json] [--scans N] [--study NAME_OR_FILE] [--keep FOLDER]`

Phantoms of the preset "demo": the training hospitals' scans are put into one store, the diseased network is
trained on them as the study says (centralised, no federation), and scans that it was not trained on are
compared with the infection drawn into them, voxel by voxel: the remaining scans of the training hospitals,
with known scanners, and all scans of the held-out hospitals, with unknown scanners (`unseen_...`).

dice                    of the infection, mean over diseased scans in which some is drawn
infected_percent_error  mean difference of the infected share of the lungs, in percentage points, all scans
healthy_percent         mean share of healthy lungs called infected, percent
slices_found            share of infected slices (1 % of their lung at least) in which some of it is found
lesions_found           share of drawn lesions (0.2 ml at least) of which a tenth is found
dice_semi_infection     of the semi-infection masks (2.7.2), its labels

--keep FOLDER keeps the phantoms and the store there; a second run with it starts with the training.
"""

import argparse
import csv
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.support.infection_comparison import Case, Found, compare
from benchmarks.support.result import print_result
from client.learning.malloc_settings import keep_freed_memory
from client.learning.site import Site
from preprocessing.phantom.hospital import PhantomHospital, make_hospitals
from preprocessing.phantom.presets import hospital_plans
from preprocessing.phantom.store import create_store
from preprocessing.pipeline import prepare_series
from preprocessing.prepare import prepare
from preprocessing.processes import cores
from preprocessing.reading.series import find_series
from preprocessing.settings import DEFAULT_SETTINGS
from preprocessing.store.lobe_store import LobeStore
from server.torch_process import stage_start_weights
from shared_model.constants import LABELS
from shared_model.initial_weights import initial_weights
from shared_model.network_weights import load_weights
from shared_model.networks import LobeNetwork
from shared_model.study import StudyConfig, load_study


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--scans", type=int, help="phantoms in all; none: the preset's own number")
    parser.add_argument("--study", default="demo", help="whose stages of the diseased network are trained")
    parser.add_argument("--keep", type=Path, help="folder that keeps phantoms and store")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    keep_freed_memory()
    study = load_study(chosen.study)
    with nullcontext(chosen.keep) if chosen.keep else tempfile.TemporaryDirectory() as name:
        hospitals = make_hospitals(
            hospital_plans("demo", chosen.scans), Path(name) / "hospitals", seed=study.seed, jobs=cores()
        )
        store = stored(hospitals, Path(name) / "store", study)
        network = train_centrally(store, study)
        seen, unseen = (
            [
                compare(case, network)
                for hospital in hospitals
                if hospital.role == role
                for case in cases(hospital, store, study)
            ]
            for role in ("training", "held-out")
        )
    figures = figures_of(seen) | {f"unseen_{name}": value for name, value in figures_of(unseen).items()}
    print_result(figures, settings_of(seen, unseen, study), as_json=chosen.json)


def stored(hospitals: list[PhantomHospital], path: Path, study: StudyConfig) -> LobeStore:
    """All training hospitals' scans in one store."""
    if not path.exists():
        create_store(path, f"localisation {study.seed}")
    for hospital in hospitals:
        if hospital.role == "training":
            prepare(hospital.folder / "studies", hospital.folder / "labels.csv", path, jobs=cores())
    return LobeStore.open(path)


def train_centrally(store: LobeStore, study: StudyConfig) -> LobeNetwork:
    """The diseased network after its stages, on the training scans of the store."""
    site = Site(store, study, role="training", count_floor=1)
    weights = initial_weights(study)
    for number, stage in enumerate(study.stages):
        if stage.networks == ("diseased",):
            weights = stage_start_weights(weights, stage, study)
            for round_number in range(1, stage.rounds + 1):
                weights = {**weights, **site.train(weights, stage=number, round=round_number).weights}
    load_weights(site.networks, weights)
    return site.networks["diseased"]


def cases(hospital: PhantomHospital, store: LobeStore, study: StudyConfig) -> Iterator[Case]:
    """The scans of a hospital that the network was not trained on, one after the other."""
    with (hospital.folder / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        (series,) = find_series(hospital.folder / "studies" / row["study"]).accepted
        part = study.split.part_of(store.pseudonyms.fold(series.patient_id))
        if hospital.role == "training" and part == "train":
            continue
        with np.load(hospital.folder / "truth" / f"{row['study']}.npz") as truth:
            lungs, infection = truth["lungs"] > 0, truth["infection"] > 0
        yield Case(row["label"], prepare_series(series, DEFAULT_SETTINGS), lungs, infection & lungs)


def figures_of(found: list[Found]) -> dict[str, float]:
    drawn = [one for one in found if one.dice is not None]
    return {
        "dice": mean(one.dice for one in drawn),
        "infected_percent_error": mean(abs(one.percent - one.true_percent) for one in found),
        "healthy_percent": mean(one.percent for one in found if one.label == "healthy"),
        "slices_found": share(one.slices for one in drawn),
        "lesions_found": share(one.lesions for one in drawn),
        "dice_semi_infection": mean(one.dice_semi for one in drawn),
    }


def mean(values: Iterable[float | None]) -> float:
    return float(np.mean([value for value in values if value is not None]))


def share(counts: Iterable[tuple[int, int]]) -> float:
    hit, all_of_them = np.sum(list(counts), axis=0)
    return float(hit / all_of_them)


def settings_of(seen: list[Found], unseen: list[Found], study: StudyConfig) -> dict[str, Any]:
    """What was trained and measured, and the figures by label."""
    by_label = {"seen": _by_label(seen), "unseen": _by_label(unseen)}
    return {"study": study.name, "seed": study.seed, "by_label": by_label}


def _by_label(found: list[Found]) -> dict[str, dict[str, Any]]:
    return {label: _of_label([one for one in found if one.label == label]) for label in LABELS}


def _of_label(found: list[Found]) -> dict[str, Any]:
    drawn = [one for one in found if one.dice is not None]
    return {
        "scans": len(found),
        "infected_percent": round(mean(one.percent for one in found), 2) if found else None,
        "true_percent": round(mean(one.true_percent for one in found), 2) if found else None,
        "dice": round(mean(one.dice for one in drawn), 3) if drawn else None,
    }


if __name__ == "__main__":
    main()
