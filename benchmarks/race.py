"""Two ways from the same DICOM files to lobes on disk: ours and the paper's word for word."""

import csv
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np
from threadpoolctl import threadpool_limits

from preprocessing.batch_effect import remove_batch_effect
from preprocessing.crop import crop_for_box
from preprocessing.lungs.lobes import find_lobes
from preprocessing.pipeline import find_scan_lobes, lobe_arrays, prepare_series
from preprocessing.prepare import prepare
from preprocessing.reading.series import find_series
from preprocessing.reading.volume import load_volume
from preprocessing.settings import PreprocessingSettings
from preprocessing.store.lobe_store import LobeStore
from tests.reference import prepare as literal

T = TypeVar("T")
PAPER, DEFAULT = PreprocessingSettings(lobes="paper", breath="paper"), PreprocessingSettings()
OURS_PER_LITERAL = 4  # the literal way takes so long that the machine's disturbances average out


@dataclass
class Race:
    """Seconds of one scan, the shortest of all rounds; `steps`: of each step ours, literal, floor."""

    slices: int
    ours: float = np.inf
    literal: float = np.inf
    ours_cpu: float = np.inf
    literal_cpu: float = np.inf
    consistent: float = np.inf
    iou: float = 0.0
    steps: dict[str, list[float]] = field(default_factory=dict)


def race(folder: Path, work: Path, rounds: int) -> Race:
    """Both ways in turns over the files in `folder`; `work` holds what they write."""
    found, seconds = Race(slices=len(list(folder.iterdir()))), dict[str, float]()
    for _ in range(rounds):
        for _ in range(OURS_PER_LITERAL):
            _, wall, cpu = timed(lambda: our_store(folder, work, PAPER))
            found.ours, found.ours_cpu = min(found.ours, wall), min(found.ours_cpu, cpu)
            _, wall, _ = timed(lambda: our_store(folder, work, DEFAULT))
            found.consistent = min(found.consistent, wall)
            _keep_shortest(found.steps, 0, our_steps(folder, work))
        lobes, wall, cpu = timed(lambda: literal.prepare(folder, work / "literal.npz", seconds))
        found.literal, found.literal_cpu = min(found.literal, wall), min(found.literal_cpu, cpu)
        _keep_shortest(found.steps, 1, seconds)
        _keep_shortest(found.steps, 2, floors(folder, work))
        found.iou = agreement(folder, lobes)
    return found


def timed(work: Callable[[], T]) -> tuple[T, float, float]:
    """What `work` returns, its seconds by the clock, and those of processor time."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, time.perf_counter() - wall, time.process_time() - cpu


@contextmanager
def one_core() -> Iterator[None]:
    """This process on one core, and every library in it on one thread."""
    before, threads = os.sched_getaffinity(0), cv2.getNumThreads()
    os.sched_setaffinity(0, {max(before)})
    cv2.setNumThreads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        os.sched_setaffinity(0, before)
        cv2.setNumThreads(threads)


def our_store(folder: Path, work: Path, settings: PreprocessingSettings) -> None:
    """What a hospital runs, into the new store WORK/store."""
    store, labels = work / "store", work / "labels.csv"
    shutil.rmtree(store, ignore_errors=True)
    with labels.open("w", newline="") as file:
        csv.writer(file).writerows([("study", "label"), (folder.name, "covid")])
    report = prepare(folder, labels, store, settings=settings, jobs=1)
    if report.added != 1:
        raise SystemExit(f"the scan was refused: {report.problems}")


def our_steps(folder: Path, work: Path) -> dict[str, float]:
    """Seconds of each of our steps, one after the other."""
    marks = [time.perf_counter()]

    def mark() -> None:
        marks.append(time.perf_counter())

    series = find_series(folder).accepted[0]
    volume = load_volume(series)
    mark()
    images = remove_batch_effect(volume)
    mark()
    lobes = find_lobes(images, volume.spacing_mm, method="paper")
    mark()
    arrays = lobe_arrays(images, lobes, tuple(crop_for_box(lobe.box) for lobe in lobes), PAPER)
    mark()
    steps = {
        name: marks[i + 1] - marks[i] for i, name in enumerate(("read", "batch effect", "lobes", "arrays"))
    }
    record = prepare_series(series, PAPER).record(key="0" * 16, fold=0.5, label="covid")
    shutil.rmtree(work / "steps", ignore_errors=True)
    store = LobeStore.create(work / "steps", PAPER)
    return steps | {"write": timed(lambda: store.add(record, arrays))[1]}


def floors(folder: Path, work: Path) -> dict[str, float]:
    """Seconds that each step's input and output take to go through memory once, at the speed of a copy."""
    scan = prepare_series(find_series(folder).accepted[0], PAPER)
    voxels = scan.images.size
    raw = sum(path.stat().st_size for path in folder.iterdir())
    boxes = np.array([lobe.box for lobe in scan.lobes])
    cropped = 2 * 3 * int(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1).sum())
    a = scan.arrays
    kept = sum(one.nbytes for one in (a.images, a.mask, a.distance, a.semi_infection))
    written = sum(path.stat().st_size for path in (work / "steps").rglob("*") if path.is_file())
    moved = {
        "read": raw + 2 * voxels,
        "batch effect": 4 * voxels,
        "lobes": 3 * voxels,
        "arrays": cropped + kept,
        "write": kept + written,
    }
    rate = bytes_per_s()
    return {name: size / rate for name, size in moved.items()}


def bytes_per_s() -> float:
    """Bytes read and written a second by copying a block larger than the caches."""
    source = np.ones(1 << 27, np.uint8)
    target = np.empty_like(source)
    return 2 * source.nbytes / min(timed(lambda: np.copyto(target, source))[1] for _ in range(5))


def agreement(folder: Path, lobes: list[dict[str, Any]]) -> float:
    """Intersection over union of our lobes' pixels and the literal ones', sides kept apart."""
    scan = find_scan_lobes(find_series(folder).accepted[0], PAPER)
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
