"""The lobe file: its layout, read back with blosc2 and zlib alone."""

import struct
import zlib
from pathlib import Path

import blosc2
import numpy as np
import pytest

from preprocessing.settings import PreprocessingSettings
from preprocessing.store.lobe_store import LobeStore
from preprocessing.store.scan_record import LobeArrays, ScanRecord

SETTINGS = PreprocessingSettings()


def made_up(key: str, lobes: int = 12, seed: int = 0) -> tuple[ScanRecord, LobeArrays]:
    rng = np.random.default_rng(seed)
    study = ScanRecord(
        key=key,
        fold=0.25,
        label="covid",
        slices=lobes,
        spacing_mm=(5.0, 0.7, 0.7),
        shape=(512, 512),
        slice_index=np.arange(lobes, dtype=np.int16),
        side=(np.arange(lobes) % 2).astype(np.uint8),
        box=rng.integers(0, 512, (lobes, 4)).astype(np.int16),
        scale=rng.random(lobes).astype(np.float32),
        offset=rng.integers(0, 128, (lobes, 2)).astype(np.int16),
        area=rng.integers(5000, 90000, lobes).astype(np.int32),
        flags=("interpolated",),
    )
    shape = (lobes, 256, 256)
    arrays = LobeArrays(
        rng.integers(0, 2049, (lobes, 3, 256, 256)).astype(np.uint16),
        rng.random(shape) > 0.5,
        rng.integers(0, 128, shape).astype(np.uint8),
        rng.random(shape) > 0.8,
    )
    return study, arrays


@pytest.fixture
def store(tmp_path: Path) -> LobeStore:
    return LobeStore.create(tmp_path / "store", SETTINGS)


def test_the_file_is_what_its_description_says(store: LobeStore) -> None:
    study, arrays = made_up("e" * 16, lobes=3)
    store.add(study, arrays)
    content = (store.path / "studies" / study.key / "lobes.blosc").read_bytes()
    lobes, _, *table = struct.unpack("<8I", content[:32])
    assert lobes == 3 and len(content) == 32 + sum(table[::2])
    start = 32 + table[0]
    chunk = content[start : start + table[2]]
    assert zlib.crc32(chunk) == table[3]
    planes = np.frombuffer(blosc2.decompress2(chunk), "<u2").reshape(4, 256, 256)
    np.testing.assert_array_equal(planes[:3], arrays.images[1])
    np.testing.assert_array_equal(planes[3] % 256, arrays.distance[1])
    np.testing.assert_array_equal(planes[3] // 256, arrays.mask[1] + 2 * arrays.semi_infection[1])
