"""The lobe file: its layout, read back with blosc2 and zlib alone, and its damage."""

import struct
import zlib
from pathlib import Path

import blosc2
import numpy as np
import pytest

from preprocessing.store.lobe_files import DamagedFileError, encode_lobes, read_lobes
from preprocessing.store.scan_record import LobeArrays


@pytest.fixture(scope="module")
def arrays() -> LobeArrays:
    """Three random lobes."""
    rng = np.random.default_rng(0)
    shape = (3, 256, 256)
    return LobeArrays(
        rng.integers(0, 2049, (3, 3, 256, 256)).astype(np.uint16),
        rng.random(shape) > 0.5,
        rng.integers(0, 256, shape).astype(np.uint8),
        rng.random(shape) > 0.8,
    )


def test_the_file_is_what_its_description_says(arrays: LobeArrays) -> None:
    content = encode_lobes(arrays)
    lobes, checksum, *table = struct.unpack("<8I", content[:32])
    assert lobes == 3 and len(content) == 32 + sum(table[::2])
    assert checksum == zlib.crc32(content[8:32])
    start = 32 + table[0]
    chunk = content[start : start + table[2]]
    assert zlib.crc32(chunk) == table[3]
    planes = np.frombuffer(blosc2.decompress2(chunk), "<u2").reshape(4, 256, 256)
    np.testing.assert_array_equal(planes[:3], arrays.images[1])
    np.testing.assert_array_equal(planes[3] % 256, arrays.distance[1])
    np.testing.assert_array_equal(planes[3] // 256, arrays.mask[1] + 2 * arrays.semi_infection[1])


def test_lobes_are_read_in_the_order_asked_for(tmp_path: Path, arrays: LobeArrays) -> None:
    (tmp_path / "lobes").write_bytes(encode_lobes(arrays))
    chosen = [2, 0, 2]
    found = read_lobes(tmp_path / "lobes", chosen)
    for name in ("images", "mask", "distance", "semi_infection"):
        ours, written = getattr(found, name), getattr(arrays, name)[chosen]
        assert ours.dtype == written.dtype
        np.testing.assert_array_equal(ours, written, err_msg=name)
    for unknown in (3, -1):
        with pytest.raises(IndexError):
            read_lobes(tmp_path / "lobes", [unknown])


@pytest.mark.parametrize("place", [0, 5, 12, 40, -1])
def test_a_changed_byte_is_damage(tmp_path: Path, arrays: LobeArrays, place: int) -> None:
    content = bytearray(encode_lobes(arrays))
    content[place] ^= 4
    (tmp_path / "lobes").write_bytes(content)
    with pytest.raises(DamagedFileError):
        read_lobes(tmp_path / "lobes", [0, 1, 2])


def test_a_truncated_file_and_one_of_zeros_are_damage(tmp_path: Path, arrays: LobeArrays) -> None:
    for content in (encode_lobes(arrays)[:-1], bytes(64), b""):
        (tmp_path / "lobes").write_bytes(content)
        with pytest.raises(DamagedFileError):
            read_lobes(tmp_path / "lobes", [2])
