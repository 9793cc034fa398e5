"""A slice whose values lie off its neighbours' is found, and nothing that anatomy or a scanner does."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from preprocessing.reading.hu_sample import scale_problem
from preprocessing.reading.series import CtSeries, find_series
from preprocessing.reading.slice_levels import LevelJump, first_jump
from preprocessing.reading.volume import load_volume
from shared_model.errors import PneumofedError
from tests.support.chests import chest, write_series
from tests.support.dicom_edits import edit

HU, LUNGS = chest(14, 96)
NONE = np.zeros((96, 96), np.bool_)


def jump_of(hu: NDArray[np.number], padding: NDArray[np.bool_] | None = None) -> LevelJump | None:
    return first_jump((np.clip(np.rint(one), -32768, 32767).astype(np.int16), padding) for one in hu)


@pytest.mark.parametrize("place", [0, 6, 13])
@pytest.mark.parametrize("offset", [1024, -1024, 1000, -500, 150, 8192, -30000])
def test_a_slice_with_another_intercept_is_found(place: int, offset: int) -> None:
    hu = HU.astype(np.float64)
    hu[place] += offset
    found = jump_of(hu)
    assert found is not None and found.before == max(place - 1, 0)
    assert abs(found.offset_hu - (offset if place else -offset)) <= 30
    assert f"slices {found.before + 1} and {found.before + 2} of 14" in found.text(14)


def test_half_of_the_slices_are_found() -> None:
    hu = HU.astype(np.float64)
    hu[5:] += 1024
    assert jump_of(hu) == LevelJump(4, 1024)


@pytest.mark.parametrize("slope", [2, 0.5])
def test_a_slice_with_another_slope_is_found(slope: float) -> None:
    hu = HU.astype(np.float64)
    hu[6] = (hu[6] + 1024) * slope - 1024
    assert jump_of(hu) is not None


@pytest.mark.parametrize(
    "change",
    [
        lambda hu, number: hu,
        lambda hu, number: hu + 60 * (number % 2),  # drift
        lambda hu, number: hu + np.random.default_rng(number).normal(0, 150, hu.shape),  # low dose
        lambda hu, number: np.full_like(hu, -1024) if number > 11 else hu,  # blank slices
        lambda hu, number: np.where(LUNGS[7] > 0, 40, hu) if number > 8 else hu,  # lungs end at once
        lambda hu, number: np.full_like(hu, -1000) + hu % 8 if number > 10 else hu,  # beyond the patient
        lambda hu, number: hu[30:70, 15:45],  # a narrow field of view
        lambda hu, number: np.where(hu > 600, 3071 * (number % 2), hu),  # metal in every other slice
    ],
)  # fmt: skip
def test_sound_slices_are_left_alone(change: object) -> None:
    assert jump_of(np.stack([change(one.astype(float), n) for n, one in enumerate(HU)])) is None  # type: ignore[operator]


def test_padding_is_not_compared() -> None:
    corners = np.hypot(*(np.indices((96, 96)) - 47.5)) > 30
    hu = np.where(corners, -1024 + 400.0 * np.arange(14)[:, None, None], HU)  # rescaled with each slice
    assert jump_of(hu) is not None
    assert jump_of(hu, corners) is None


def written(folder: Path, rescale: dict[int, tuple[float, float]], wrong: dict[int, float]) -> CtSeries:
    """The chest with a rescale of each slice; to the intercept of the `wrong` ones something is added."""
    for number, one in enumerate(HU):
        slope, intercept = rescale.get(number, (1, -1024))
        write_series(
            folder / str(number), one[np.newaxis], slope=slope, intercept=intercept, signed=True,
            series_uid="1.2.3", heights=np.array([6.0 * number]),
            RescaleIntercept=str(intercept + wrong.get(number, 0)),
        )  # fmt: skip
    (series,) = find_series(folder).accepted
    return series


def test_rescale_that_differs_from_slice_to_slice_is_legitimate(tmp_path: Path) -> None:
    """As PET/CT scanners write it: each slice fills the range of its stored values."""
    series = written(tmp_path, {n: (0.2 + 0.07 * n, 30.0 * n - 500) for n in range(14)}, {})
    assert scale_problem(series) is None
    assert np.abs(load_volume(series).hu - HU.astype(int)).max() <= 1


@pytest.mark.parametrize("rescale", [{}, {n: (0.2 + 0.07 * n, 30.0 * n - 500) for n in range(14)}])
@pytest.mark.parametrize(("place", "wrong"), [(0, -1024), (6, 1024), (13, 1000)])
def test_a_wrong_intercept_in_one_slice_is_refused(
    tmp_path: Path, rescale: dict[int, tuple[float, float]], place: int, wrong: float
) -> None:
    series = written(tmp_path, rescale, {place: wrong})
    problem = scale_problem(series)
    assert problem is not None and problem[0] == "uneven-rescale"
    with pytest.raises(PneumofedError, match="differ by .* HU: values jump") as error:
        load_volume(series)
    assert error.value.code == "uneven-rescale" and f"of {len(HU)}" in str(error.value)


def test_slices_that_cannot_hold_air_are_refused_by_their_header(tmp_path: Path) -> None:
    for number, path in enumerate(write_series(tmp_path, HU)):
        if number == 3:
            edit([path], lambda data: setattr(data, "RescaleIntercept", "0"))
    (refusal,) = find_series(tmp_path).refused
    assert refusal.code == "uneven-rescale" and "1 of 14 slices" in refusal.reason


@pytest.mark.real_data
@pytest.mark.parametrize("scan", ["chest-ct", "covid-ct-md/normal", "covid-ct-md/cap", "not-a-chest/abdomen"])
@pytest.mark.parametrize("step", [1, 4, 8])
def test_real_scans_have_no_jumps(real_data: Path, scan: str, step: int) -> None:
    """Also with slices 8 to 24 mm apart; and a jump of 150 HU is found in each."""
    (series,) = find_series(real_data / scan).accepted
    volume = load_volume(series)
    assert first_jump(zip(volume.hu[::step], volume.padding[::step], strict=True)) is None
    volume.hu[4 * step] += 150
    assert first_jump(zip(volume.hu[::step], volume.padding[::step], strict=True)) is not None
