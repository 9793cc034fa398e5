"""How well infection is found where it is, learned from scan labels alone.

`python -m benchmarks.localisation [--json] [--scans N] [--study NAME_OR_FILE] [--keep FOLDER]`

Phantoms of the preset "demo": the training hospitals' scans in one store, the diseased network trained on
them as the study says (centralised: no federation), then scans that it did not learn from diagnosed and
compared with what was drawn into them, voxel by voxel: the others of the training hospitals, whose scanners
it knows, and all of the held-out hospitals, whose scanners it does not (`unseen_...`).

dice                    of the infection, mean over diseased scans in which some is drawn
infected_percent_error  mean difference of the infected share of the lungs, in percentage points, all scans
healthy_percent         mean share of healthy lungs called infected, percent
slices_found            share of infected slices (1 % of their lung at least) in which some of it is found
lesions_found           share of drawn lesions (0.2 ml at least) of which a tenth is found
dice_semi_infection     of the fake labels themselves (2.7.2): what it learned from

--keep FOLDER holds the phantoms and the store; a second run with it begins at the training.
"""

import argparse
import csv
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from benchmarks.result import print_result
from client.diagnosis.scan_inference import infer_scan
from client.learning.allocator import keep_freed_memory
from client.learning.site import Site
from preprocessing.crop import to_image
from preprocessing.phantom.hospital import PhantomHospital, make_hospitals
from preprocessing.phantom.store import create_store
from preprocessing.pipeline import PreparedScan, prepare_series
from preprocessing.prepare import prepare
from preprocessing.processes import cores
from preprocessing.reading.series import find_series
from preprocessing.settings import DEFAULT_SETTINGS
from preprocessing.store.lobe_store import LobeStore
from server.torch_process import begin_stage
from shared_model.constants import LABELS
from shared_model.initial_weights import initial_weights
from shared_model.network_weights import load_weights
from shared_model.networks import LobeNetwork
from shared_model.study import StudyConfig, load_study

SLICE_SHARE = 0.01  # of a slice's lung: less infection is not looked for slice by slice
LESION_ML, LESION_SHARE = 0.2, 0.1


@dataclass(frozen=True)
class Found:
    """One scan's infection, found and drawn.

    dice, dice_semi None where nothing is drawn; percents of the lungs; slices, lesions: found, drawn.
    """

    label: str
    dice: float | None
    dice_semi: float | None
    percent: float
    true_percent: float
    slices: tuple[int, int]
    lesions: tuple[int, int]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--scans", type=int, help="phantoms in all; none: the preset's own number")
    parser.add_argument("--study", default="demo", help="whose stages of the diseased network are trained")
    parser.add_argument("--keep", type=Path, help="where phantoms and store stay")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    keep_freed_memory()
    study = load_study(chosen.study)
    with nullcontext(chosen.keep) if chosen.keep else tempfile.TemporaryDirectory() as name:
        hospitals = make_hospitals(
            "demo", Path(name) / "hospitals", scans=chosen.scans, seed=study.seed, jobs=cores()
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
            weights = begin_stage(weights, stage, study)
            for round_number in range(1, stage.rounds + 1):
                weights = {**weights, **site.train(weights, stage=number, round=round_number).weights}
    load_weights(site.networks, weights)
    return site.networks["diseased"]


@dataclass(frozen=True)
class Case:
    """A held-out scan and what was drawn into it: bool [slice, row, column]."""

    label: str
    scan: PreparedScan
    lungs: NDArray[np.bool_]
    infection: NDArray[np.bool_]


def cases(hospital: PhantomHospital, store: LobeStore, study: StudyConfig) -> Iterator[Case]:
    """The scans of a hospital that nothing was learned from, one after the other."""
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


def compare(case: Case, network: LobeNetwork) -> Found:
    """What `network` finds in one scan, against the truth."""
    seen = infer_scan(case.scan, {"diseased": network}, dtype=torch.float32)
    found, drawn = seen.infected, case.infection
    lung_pixels = sum(lobe.area for lobe in case.scan.lobes)
    voxel_ml = float(np.prod(case.scan.spacing_mm)) / 1000
    return Found(
        label=case.label,
        dice=dice(found, drawn),
        dice_semi=dice(semi_infection(case.scan), drawn),
        percent=100 * float(seen.infected_pixels.sum()) / lung_pixels,
        true_percent=100 * float(drawn.sum()) / float(case.lungs.sum()),
        slices=slices_found(found, drawn, case.lungs),
        lesions=lesions_found(found, drawn, voxel_ml),
    )


def dice(found: NDArray[np.bool_], drawn: NDArray[np.bool_]) -> float | None:
    """Dice of two masks; None where nothing is drawn."""
    if not drawn.any():
        return None
    return 2 * float((found & drawn).sum()) / float(found.sum() + drawn.sum())


def slices_found(
    found: NDArray[np.bool_], drawn: NDArray[np.bool_], lungs: NDArray[np.bool_]
) -> tuple[int, int]:
    """Of the slices infected by SLICE_SHARE of their lung, those in which some infection is found; all."""
    infected = drawn.sum(axis=(1, 2)) > SLICE_SHARE * lungs.sum(axis=(1, 2))
    hit = (found & drawn).any(axis=(1, 2))
    return int((infected & hit).sum()), int(infected.sum())


def lesions_found(found: NDArray[np.bool_], drawn: NDArray[np.bool_], voxel_ml: float) -> tuple[int, int]:
    """Of the connected lesions of LESION_ML or more, those found by LESION_SHARE of them; all."""
    labels, count = ndimage.label(drawn)
    volume = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    hit = np.bincount(labels[found], minlength=count + 1)[1:]
    large = volume * voxel_ml >= LESION_ML
    return int((large & (hit >= LESION_SHARE * volume)).sum()), int(large.sum())


def semi_infection(scan: PreparedScan) -> NDArray[np.bool_]:
    """The fake labels (2.7.2) on the scan's own pixels: bool [slice, row, column]."""
    result = np.zeros(scan.images.shape, np.bool_)
    for lobe, crop, fake in zip(scan.lobes, scan.crops, scan.arrays.semi_infection, strict=True):
        result[lobe.slice] |= to_image(fake, crop, result.shape[1:])
    return result


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
