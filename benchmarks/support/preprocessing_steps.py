"""Seconds of each step of preprocessing, and a lower bound from memory bandwidth."""

import shutil
import time
from pathlib import Path

import numpy as np

from benchmarks.support.timing import timed
from preprocessing.batch_effect import remove_batch_effect
from preprocessing.lobe_inputs import LobeInputs
from preprocessing.lungs.lobes import find_lobes
from preprocessing.pipeline import prepare_series
from preprocessing.reading.series import find_series
from preprocessing.reading.volume import load_volume
from preprocessing.settings import PAPER_SETTINGS
from preprocessing.store.lobe_store import LobeStore


def our_steps(folder: Path, work: Path) -> dict[str, float]:
    """Seconds of each of our steps, run one after the other."""
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
    arrays = LobeInputs.of(images, lobes, PAPER_SETTINGS).read(range(len(lobes)))
    mark()
    steps = {
        name: marks[i + 1] - marks[i] for i, name in enumerate(("read", "batch effect", "lobes", "arrays"))
    }
    record = prepare_series(series, PAPER_SETTINGS).record(key="0" * 16, fold=0.5, label="covid")
    shutil.rmtree(work / "steps", ignore_errors=True)
    store = LobeStore.create(work / "steps", PAPER_SETTINGS)
    return steps | {"write": timed(lambda: store.add(record, arrays))[1]}


def floors(folder: Path, work: Path) -> dict[str, float]:
    """Lower bound of each step: seconds in which its input and output pass through memory once."""
    scan = prepare_series(find_series(folder).accepted[0], PAPER_SETTINGS)
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
