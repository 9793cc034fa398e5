"""Lobes a second that training reads from a store whose files are in the page cache."""

import time
from pathlib import Path

import numpy as np

from preprocessing.pipeline import prepare_series
from preprocessing.reading.series import find_series
from preprocessing.reading.series_selection import choose_series
from preprocessing.settings import DEFAULT_SETTINGS
from preprocessing.store.lobe_store import LobeStore

LOBES = 10  # of a scan, as 2.7.1 has it
SCANS = 8
READS, WINDOWS = 60, 12  # reads in a window of time


def loader_store(folders: list[Path], path: Path) -> LobeStore:
    """A store of SCANS scans, made of the series in turn."""
    store = LobeStore.create(path, DEFAULT_SETTINGS)
    scans = [prepare_series(choose_series(find_series(one).accepted), DEFAULT_SETTINGS) for one in folders]
    for number in range(SCANS):
        scan = scans[number % len(scans)]
        store.add(scan.record(key=f"{number:016x}", fold=0.5, label="covid"), scan.arrays)
    return store


def loader_rate(store: LobeStore) -> float:
    """Lobes a second, reading LOBES random lobes of a random scan at a time; the best of WINDOWS windows."""
    scans, rng = store.scans(), np.random.default_rng(0)
    shortest = np.inf
    for window in range(WINDOWS + 1):  # the first fills the page cache
        start = time.perf_counter()
        for _ in range(READS):
            scan = scans[rng.integers(len(scans))]
            store.read(scan.key, rng.integers(0, len(scan.side), LOBES).tolist())
        if window:
            shortest = min(shortest, time.perf_counter() - start)
    return READS * LOBES / shortest
