"""Padding outside a round field of view is masked, whether announced or not."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from preprocessing.reading.padding import CornerPadding, below_measurable
from tests.support.chests import chest, ellipse, write_series
from tests.support.dicom_edits import edit, load

HU, _ = chest(10, 32)


SIZE = 64


ROUND = ~ellipse(SIZE, 0.5, 0.5, 0.5, 0.5)  # outside the field of view


def round_chest(value: int) -> NDArray[np.int16]:
    hu, _ = chest(10, SIZE)
    hu[:, ROUND] = value
    return hu


@pytest.mark.parametrize(
    ("value", "signed", "tags"),
    [
        (-3024, True, {}),  # -2000 stored, intercept -1024, and no tag: the habit of one maker
        (-2000, True, {}),
        (-1024, True, {}),  # looks like air, but ends at a circle
        (-3024, True, {"PixelPaddingValue": -2000}),
        (-1024, False, {"PixelPaddingValue": 0}),
        (-1022, False, {"PixelPaddingValue": 0, "PixelPaddingRangeLimit": 4}),
        (31744, False, {"PixelPaddingValue": 32768}),
    ],
)
def test_padding_is_masked_announced_or_not(
    tmp_path: Path, value: int, signed: bool, tags: dict[str, object]
) -> None:
    write_series(tmp_path, round_chest(value), signed=signed, **tags)
    hu, padding, _ = load(tmp_path)
    expected = np.broadcast_to(ROUND, hu.shape)
    if tags:  # what has the announced value is padding wherever it is
        expected = hu <= -1020 if value == -1022 else hu == value
    np.testing.assert_array_equal(padding, expected)


def test_padding_given_with_the_wrong_sign_is_understood(tmp_path: Path) -> None:
    paths = write_series(tmp_path, round_chest(-1100), signed=True, intercept=0, PixelPaddingValue=-1100)
    edit(paths, lambda data: data.add_new("PixelPaddingValue", "US", 65536 - 1100))
    assert load(tmp_path)[1][:, ROUND].all()


def test_noise_free_air_in_a_square_field_is_no_padding(tmp_path: Path) -> None:
    hu, _ = chest(10, SIZE, noise=0)
    write_series(tmp_path, hu)
    assert not load(tmp_path)[1].any()


def test_copies_of_values_that_only_the_circle_tells_apart(tmp_path: Path) -> None:
    """Inside the circle, air of the very value of the padding was measured."""
    hu = round_chest(-1024)
    hu[:, 30, 30] = -1024
    write_series(tmp_path, hu)
    _, padding, _ = load(tmp_path)
    assert not padding[:, 30, 30].any()


@pytest.mark.parametrize(
    ("inside", "masked"),
    [(-990, True), (None, False)],  # None: the field of view too is constant
)
def test_a_constant_corner_counts_if_it_ends_at_the_circle(inside: int | None, masked: bool) -> None:
    padding = CornerPadding((SIZE, SIZE))
    rng = np.random.default_rng(0)
    for _ in range(3):
        hu = np.full((SIZE, SIZE), -1024, np.int16)
        if inside is not None:
            hu[~ROUND] = inside + rng.integers(-9, 9, np.count_nonzero(~ROUND))
        padding.update(hu)
    found = padding.padding_mask()
    assert (found is not None) == masked
    if found is not None:
        np.testing.assert_array_equal(found, ROUND)


def test_only_square_slices_have_an_inscribed_circle() -> None:
    padding = CornerPadding((SIZE, SIZE + 2))
    padding.update(np.zeros((SIZE, SIZE + 2), np.int16))
    assert padding.padding_mask() is None


def test_values_below_any_measurement_are_padding() -> None:
    found = below_measurable(np.array([[-1501, -1500, -1499, 0]], np.int16))
    assert found is not None and found.tolist() == [[True, True, False, False]]
    assert below_measurable(np.array([[-1499]], np.int16)) is None
