"""Hospitals of random lobes, in memory or on disk: no DICOM."""

import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from preprocessing.settings import PreprocessingSettings
from preprocessing.store.lobe_store import LobeStore
from preprocessing.store.scan_record import LobeArrays, ScanRecord

FINGERPRINT = PreprocessingSettings().fingerprint
MadeScan = tuple[ScanRecord, LobeArrays]


class MemoryStore:
    """Has what Site asks of a LobeStore made with the default settings."""

    fingerprint = FINGERPRINT

    def __init__(self, scans: Sequence[MadeScan]) -> None:
        self.by_key = {record.key: (record, arrays) for record, arrays in scans}

    def scans(self) -> list[ScanRecord]:
        return [record for _, (record, _) in sorted(self.by_key.items())]

    def read(self, key: str, lobes: Sequence[int]) -> LobeArrays:
        arrays, chosen = self.by_key[key][1], list(lobes)
        return LobeArrays(
            arrays.images[chosen], arrays.mask[chosen], arrays.distance[chosen], arrays.semi_infection[chosen]
        )


def scan_of(key: str, label: str, *, slices: int = 5, fold: float | None = None) -> MadeScan:
    """A scan of two lobes a slice; what it shows depends on its key and label alone.

    fold: by default that of a training patient of its own.
    """
    if fold is None:
        fold = 0.8 * zlib.crc32(key.encode()) / 2**32
    draw = np.random.default_rng([*key.encode(), *label.encode()])
    lobes = 2 * slices
    record = ScanRecord(
        key=key,
        fold=fold,
        label=label,
        slices=slices,
        spacing_mm=(8.0, 0.8, 0.8),
        shape=(512, 512),
        slice_index=np.repeat(np.arange(slices, dtype=np.int16), 2),
        side=np.tile(np.array([0, 1], np.uint8), slices),
        box=np.tile(np.array([0, 0, 256, 256], np.int16), (lobes, 1)),
        scale=np.ones(lobes, np.float32),
        offset=np.zeros((lobes, 2), np.int16),
        area=np.full(lobes, 9000, np.int32),
    )
    coarse = draw.integers(0, 1200, (lobes, 3, 16, 16)).astype(np.uint16)
    images = np.kron(coarse, np.ones((16, 16), np.uint16))
    shape = (lobes, 256, 256)
    distance = draw.integers(0, 100, shape).astype(np.uint8)
    return record, LobeArrays(images, np.ones(shape, np.bool_), distance, draw.random(shape) > 0.7)


def disk_store(path: Path, scans: Sequence[MadeScan]) -> LobeStore:
    """The same scans in a store on disk."""
    store = LobeStore.create(path, PreprocessingSettings())
    for record, arrays in scans:
        store.add(record, arrays)
    return store
