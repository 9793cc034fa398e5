"""What viewing.zip holds against the arrays that it is of, in every orientation of a stored scan."""

import errno
import gzip
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from client.diagnosis.diagnosis import Diagnosis
from client.diagnosis.viewing_file import ViewedScan, open_viewing_file
from client.diagnosis.viewing_output import write_viewing_file
from preprocessing.reading.volume import load_volume
from tests.support.chests import PIXEL_MM, SLICE_MM
from tests.support.diagnosed_scans import diagnosed, observation, two_lungs
from tests.support.marked_lungs import LEFT, LESION, RIGHT, diagnosed_series, marked_chest, marked_series
from tests.support.oblique_series import AXIAL


def layer(results: Path, name: str, shape: tuple[int, int, int], dtype: str = "u1") -> NDArray:
    """All slices of a layer, [slice, row, column]."""
    viewing = open_viewing_file(results)
    data = [gzip.decompress(viewing.gzipped(name, index)) for index in range(shape[0])]
    return np.array([np.frombuffer(one, dtype).reshape(shape[1:]) for one in data])


def viewed(results: Path) -> ViewedScan:
    return open_viewing_file(results).scan


def write(folder: Path, diagnosis: Diagnosis, hu: NDArray[np.int16] | None = None) -> Path:
    some = np.zeros(diagnosis.scan.images.shape, np.int16) if hu is None else hu
    write_viewing_file(folder / "viewing.zip", diagnosis, some)
    return folder


@pytest.mark.parametrize("number", range(8))
def test_hu_and_labels_in_every_orientation(tmp_path: Path, number: int) -> None:
    """The files' own marks say what each voxel is, on axes that do not depend on how they are stored."""
    lesion_side = 1 + number % 2
    hu = marked_chest(lesion_side)
    series = marked_series(tmp_path / "scan", lesion_side, AXIAL[number])
    write(tmp_path, diagnosed_series(series, lesion_side), load_volume(series).hu)
    assert viewed(tmp_path).shape == hu.shape
    assert viewed(tmp_path).spacing_mm == (SLICE_MM, PIXEL_MM, PIXEL_MM)
    np.testing.assert_allclose(np.diff(viewed(tmp_path).z_mm), SLICE_MM)
    np.testing.assert_array_equal(layer(tmp_path, "hu", hu.shape, "<i2"), hu)
    expected = np.select([hu == RIGHT, hu == LEFT, hu == LESION], [1, 2, 2 + lesion_side], 0)
    np.testing.assert_array_equal(layer(tmp_path, "labels", hu.shape), expected)
    columns = np.flatnonzero((expected > 2).any(axis=(0, 1)))
    assert (columns < hu.shape[2] / 2).all() if lesion_side == 1 else (columns >= hu.shape[2] / 2).all()


def test_attention_of_both_networks_over_each_slice(tmp_path: Path) -> None:
    """Attention grows along a crop's columns in one network and along its rows in the other."""
    scan = two_lungs(2)
    seen = observation(scan)
    ramp = np.linspace(0.1, 0.9, 32)
    across, down = np.broadcast_to(ramp, (4, 32, 32)), np.broadcast_to(ramp[:, np.newaxis], (4, 32, 32))
    seen = replace(seen, attention={"diseased": across.astype(np.float16), "covid": down.astype(np.float16)})
    write(tmp_path, diagnosed(scan, seen))
    expected = np.zeros((2, 310, 310)), np.zeros((2, 310, 310))
    for row0, column0, row1, column1 in ((100, 40, 240, 140), (100, 170, 240, 270)):
        # A box of 140 x 100 in the middle of 256 x 256; patch i is centred between pixels 8i + 3 and 8i + 4.
        rows, columns = np.arange(140) + 58, np.arange(100) + 78
        along_columns, along_rows = (
            np.interp((x + 0.5) / 8 - 0.5, np.arange(32), ramp) for x in (columns, rows)
        )
        expected[0][:, row0:row1, column0:column1] = along_columns
        expected[1][:, row0:row1, column0:column1] = along_rows[:, np.newaxis]
    for task, values in zip(("diseased", "covid"), expected, strict=True):
        found = layer(tmp_path, f"attention/{task}", (2, 310, 310)).astype(float)
        np.testing.assert_allclose(found, 255 * values, atol=0.75)
        assert ((found == 0) == (values == 0)).all()
        assert viewed(tmp_path).greatest_attention[task] == pytest.approx(0.9, abs=1e-3)  # type: ignore[index]


def test_boxes_are_those_of_the_pictures(tmp_path: Path) -> None:
    scan = two_lungs(3)
    infected = np.zeros(scan.images.shape, bool)
    infected[1, 120:140, 50:80] = True
    infected[1, 200:205, 200:205] = True  # of 25 mm2: too small for a box
    write(tmp_path, diagnosed(scan, observation(scan, infected)))
    assert viewed(tmp_path).boxes == ((), ((120, 50, 140, 80),), ())
    assert layer(tmp_path, "labels", scan.images.shape)[1, 201, 201] == 4


def test_one_slice_is_in_memory_at_a_time(tmp_path: Path) -> None:
    scan = two_lungs(40)
    diagnosis, hu = diagnosed(scan, observation(scan)), np.zeros(scan.images.shape, np.int16)
    assert diagnosis.sides.any()  # kept once it was asked for
    tracemalloc.start()
    write(tmp_path, diagnosis, hu)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.3 * hu.nbytes


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scan = two_lungs(3)
    diagnosis = diagnosed(scan, observation(scan))
    before = (write(tmp_path, diagnosis) / "viewing.zip").read_bytes()

    def full(task: str, index: int) -> NDArray[np.float32]:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Diagnosis, "attention", lambda self, task, index: full(task, index))
    with pytest.raises(OSError, match="No space"):
        write(tmp_path, diagnosis)
    assert [path.name for path in tmp_path.iterdir()] == ["viewing.zip"]
    assert (tmp_path / "viewing.zip").read_bytes() == before
