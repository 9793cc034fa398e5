"""Lungs of real scans: judged by a check that knows the scan alone, and equal however the scan is stored."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.uid import ExplicitVRLittleEndian

from preprocessing.batch_effect import air_level, remove_batch_effect
from preprocessing.lung_masks import lung_mask, nifti_bytes
from preprocessing.lungs.lobes import Lobe, find_lobes
from preprocessing.pipeline import find_scan_lobes
from preprocessing.reading.series import find_series
from preprocessing.reading.volume import CtVolume, load_volume

QUICK, OTHERS = "chest-ct", ("covid-ct-md/normal", "covid-ct-md/cap")
SCANS = [QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in OTHERS)]
Change = Callable[[CtVolume, list[Lobe]], CtVolume]


def segment(volume: CtVolume) -> list[Lobe]:
    return find_lobes(remove_batch_effect(volume), volume.spacing_mm)


@cache
def as_stored(folder: Path) -> tuple[CtVolume, list[Lobe]]:
    volume = load_volume(find_series(folder).accepted[0])
    return volume, segment(volume)


def millilitres(volume: CtVolume, lobes: list[Lobe]) -> NDArray[np.float64]:
    """Volume of the right and of the left lung."""
    voxels = [sum(lobe.area for lobe in lobes if lobe.side == side) for side in (0, 1)]
    return np.array(voxels) * np.prod(volume.spacing_mm) / 1000


def with_hu(volume: CtVolume, hu: NDArray[Any], slice_mm: float | None = None) -> CtVolume:
    spacing = (slice_mm or volume.spacing_mm[0], *volume.spacing_mm[1:])
    rounded = np.rint(hu).astype(np.int16)
    z_mm = spacing[0] * np.arange(len(hu), dtype=np.float64)
    return replace(volume, hu=rounded, padding=np.zeros(hu.shape, np.bool_), spacing_mm=spacing, z_mm=z_mm)


def shifted(volume: CtVolume, lobes: list[Lobe]) -> CtVolume:
    """5 rows to the back and 9 columns to the right; what enters is air."""
    hu = np.full_like(volume.hu, air_level(volume))
    hu[:, 5:, :-9] = volume.hu[:, :-5, 9:]
    return with_hu(volume, hu)


def cropped(volume: CtVolume, lobes: list[Lobe]) -> CtVolume:
    """The sides are cut off 8 mm outside the lungs."""
    beside = round(8 / volume.spacing_mm[2])
    first = min(lobe.box[1] for lobe in lobes) - beside
    last = max(lobe.box[3] for lobe in lobes) + beside
    return with_hu(volume, np.ascontiguousarray(volume.hu[:, :, max(0, first) : last]))


def in_thick_slices(volume: CtVolume, slice_mm: float) -> CtVolume:
    """Each slice is the mean of the scan over its thickness."""
    step = volume.spacing_mm[0]
    bottom = step * np.arange(len(volume.hu))
    start = slice_mm * np.arange(int(len(volume.hu) * step / slice_mm))[:, np.newaxis]
    share = np.clip(np.minimum(bottom + step, start + slice_mm) - np.maximum(bottom, start), 0, None)
    share /= share.sum(axis=1, keepdims=True)
    return with_hu(volume, np.tensordot(share.astype(np.float32), volume.hu.astype(np.float32), 1), slice_mm)


def in_thin_slices(volume: CtVolume, slice_mm: float) -> CtVolume:
    """Slices are interpolated between the scan's."""
    step = volume.spacing_mm[0]
    place = np.arange(0, (len(volume.hu) - 1) * step + 1e-6, slice_mm) / step
    below = np.minimum(place.astype(np.int64), len(volume.hu) - 2)
    share = (place - below).astype(np.float32)[:, np.newaxis, np.newaxis]
    hu = volume.hu[below] * (1 - share) + volume.hu[below + 1] * share
    return with_hu(volume, hu, slice_mm)


CHANGES: dict[str, Change] = {
    "shifted": shifted,
    "cropped": cropped,
    "1 mm": lambda volume, lobes: in_thin_slices(volume, 1.0),
    "5 mm": lambda volume, lobes: in_thick_slices(volume, 5.0),
}


@pytest.mark.real_data
@pytest.mark.parametrize("name", SCANS)
def test_a_check_of_the_scan_alone_finds_no_leak(real_data: Path, tmp_path: Path, name: str) -> None:
    (series,) = find_series(real_data / name).accepted
    masks = tmp_path / "lungs.nii.gz"
    masks.write_bytes(nifti_bytes(lung_mask(find_scan_lobes(series), series), compress=True))
    check = [sys.executable, real_data.parent / "checks" / "lung_leak.py", real_data / name, masks]
    figures = json.loads(subprocess.run(check, check=True, capture_output=True, text=True).stdout)
    assert figures["mask_ml"] > 2000
    assert figures["outside_ml"] <= 5
    assert figures["soft_ml"] <= 30


@pytest.mark.real_data
@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", [QUICK, *OTHERS])
def test_lungs_keep_their_volume_however_the_scan_is_made(real_data: Path, name: str, change: str) -> None:
    volume, lobes = as_stored(real_data / name)
    changed = CHANGES[change](volume, lobes)
    found, expected = millilitres(changed, segment(changed)), millilitres(volume, lobes)
    np.testing.assert_allclose(found, expected, rtol=0.03)


@pytest.mark.real_data
@pytest.mark.parametrize("name", SCANS)
def test_both_lungs_together_keep_their_volume_in_8_mm_slices(real_data: Path, name: str) -> None:
    """Of one lung, 8 mm of its base or of its apex can be more than 3 %."""
    volume, lobes = as_stored(real_data / name)
    thick = in_thick_slices(volume, 8.0)
    found, expected = millilitres(thick, segment(thick)), millilitres(volume, lobes)
    np.testing.assert_allclose(found.sum(), expected.sum(), rtol=0.03)


def store_front_to_back(folder: Path, target: Path) -> None:
    """Write the series with its rows in reverse order and the orientation that says so."""
    target.mkdir()
    for number, path in enumerate(sorted(folder.glob("*.dcm"))):
        data = dcmread(path)
        pixels = data.pixel_array[::-1]
        down = np.array(data.ImageOrientationPatient[3:], np.float64)
        across = np.array(data.ImagePositionPatient, np.float64)
        last = across + down * float(data.PixelSpacing[0]) * (data.Rows - 1)
        data.ImagePositionPatient = [f"{value:.6g}" for value in last]
        data.ImageOrientationPatient = [*data.ImageOrientationPatient[:3], *(-down).tolist()]
        data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        data.PixelData = np.ascontiguousarray(pixels).tobytes()
        data["PixelData"].is_undefined_length = False
        data.save_as(target / f"{number:04d}.dcm")


@pytest.mark.real_data
@pytest.mark.slow
@pytest.mark.parametrize("name", [QUICK, *OTHERS])
def test_lungs_do_not_depend_on_the_order_of_rows(real_data: Path, tmp_path: Path, name: str) -> None:
    store_front_to_back(real_data / name, tmp_path / "scan")
    (series,) = find_series(tmp_path / "scan").accepted
    turned = load_volume(series)
    volume, lobes = as_stored(real_data / name)
    np.testing.assert_array_equal(turned.hu, volume.hu)  # the patient is the same
    found = millilitres(turned, segment(turned))
    np.testing.assert_allclose(found, millilitres(volume, lobes), rtol=0.03)
