"""Our preprocessing and the literal reference, timed in turns from the same DICOM files to lobes on disk."""

import csv
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.support.preprocessing_steps import floors, our_steps
from benchmarks.support.timing import timed
from preprocessing.pipeline import find_scan_lobes
from preprocessing.prepare import prepare
from preprocessing.reading.series import find_series
from preprocessing.settings import DEFAULT_SETTINGS, PAPER_SETTINGS, PreprocessingSettings
from tests.reference import prepare as literal

OURS_PER_LITERAL = 4  # the literal reference takes so long that disturbances by other processes average out


@dataclass
class PairedTiming:
    """Seconds for one scan, the shortest of all rounds.

    consistent: ours with the default method. iou: agreement of the lobes. steps: [step] ours, literal, floor.
    """

    slices: int
    ours: float = np.inf
    literal: float = np.inf
    ours_cpu: float = np.inf
    literal_cpu: float = np.inf
    consistent: float = np.inf
    iou: float = 0.0
    steps: dict[str, list[float]] = field(default_factory=dict)


def time_both(folder: Path, work: Path, rounds: int) -> PairedTiming:
    """Time both in turns on the files in `folder`; `work` holds what they write."""
    found, seconds = PairedTiming(slices=len(list(folder.iterdir()))), dict[str, float]()
    for _ in range(rounds):
        for _ in range(OURS_PER_LITERAL):
            _, wall, cpu = timed(lambda: our_store(folder, work, PAPER_SETTINGS))
            found.ours, found.ours_cpu = min(found.ours, wall), min(found.ours_cpu, cpu)
            _, wall, _ = timed(lambda: our_store(folder, work, DEFAULT_SETTINGS))
            found.consistent = min(found.consistent, wall)
            _keep_shortest(found.steps, 0, our_steps(folder, work))
        lobes, wall, cpu = timed(lambda: literal.prepare(folder, work / "literal.npz", seconds))
        found.literal, found.literal_cpu = min(found.literal, wall), min(found.literal_cpu, cpu)
        _keep_shortest(found.steps, 1, seconds)
        _keep_shortest(found.steps, 2, floors(folder, work))
        found.iou = agreement(folder, lobes)
    return found


def our_store(folder: Path, work: Path, settings: PreprocessingSettings) -> None:
    """Prepare the scan as a hospital does, into the new store WORK/store."""
    store, labels = work / "store", work / "labels.csv"
    shutil.rmtree(store, ignore_errors=True)
    with labels.open("w", newline="") as file:
        csv.writer(file).writerows([("study", "label"), (folder.name, "covid")])
    report = prepare(folder, labels, store, settings=settings, jobs=1)
    if report.added != 1:
        raise SystemExit(f"the scan was refused: {report.problems}")


def agreement(folder: Path, lobes: list[dict[str, Any]]) -> float:
    """Intersection over union of our lobes' pixels and those of the literal reference, side by side."""
    scan = find_scan_lobes(find_series(folder).accepted[0], PAPER_SETTINGS)
    ours, theirs = np.zeros((2, *scan.images.shape), np.uint8)
    for lobe in scan.lobes:
        row0, column0, row1, column1 = lobe.box
        ours[lobe.slice, row0:row1, column0:column1][lobe.mask] = lobe.side + 1
    for one in lobes:
        theirs[one["slice"]][one["mask"]] = one["side"]
    either = (ours > 0) | (theirs > 0)
    return float(((ours == theirs) & either).sum() / either.sum())


def _keep_shortest(steps: dict[str, list[float]], column: int, seconds: dict[str, float]) -> None:
    for name, value in seconds.items():
        row = steps.setdefault(name, [np.inf] * 3)
        row[column] = min(row[column], value)
