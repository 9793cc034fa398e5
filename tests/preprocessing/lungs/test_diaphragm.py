"""Organ domes below a lung against a cone of tissue."""

import numpy as np
from numpy.typing import NDArray

from preprocessing.lungs.diaphragm import find_organ_domes

SIZE, SLICES, SPACING = 80, 12, (4.0, 2.0, 2.0)
ROWS, COLUMNS = np.indices((SIZE, SIZE)) - SIZE // 2
RADIUS = np.hypot(ROWS, COLUMNS)
LUNG = np.broadcast_to(RADIUS < 34, (SLICES, SIZE, SIZE))


def cone() -> NDArray[np.bool_]:
    """Tissue that narrows by 4 mm of radius per 4 mm slice, up to slice 8."""
    return np.stack([max(0, 24 - 2 * number) * (number < 8) > RADIUS for number in range(SLICES)])


def domes_of(tissue: NDArray[np.bool_], *, organ_below: bool = True) -> NDArray[np.bool_]:
    return find_organ_domes(tissue, LUNG, SPACING, slope=0.5, organ_below=organ_below)


def test_a_cone_on_an_organ_is_organ() -> None:
    tissue = cone()
    found = domes_of(tissue)
    assert found[tissue].mean() > 0.95
    assert not found[~tissue].any()


def test_tissue_in_the_lowest_slice_counts_only_if_an_organ_is_below() -> None:
    assert not domes_of(cone(), organ_below=False).any()


def test_a_tumour_with_lung_below_is_no_organ() -> None:
    tissue = np.zeros((SLICES, SIZE, SIZE), np.bool_)
    tissue[4:9, RADIUS < 12] = True
    assert not domes_of(tissue).any()


def test_narrow_vessels_are_no_organ() -> None:
    assert not domes_of(np.broadcast_to(RADIUS < 3, LUNG.shape).copy()).any()


def test_a_column_that_does_not_narrow_ends_by_the_slope() -> None:
    """The organ loses at least `slope` mm of radius per mm: 1 pixel a slice here."""
    tissue = np.broadcast_to(RADIUS < 12, LUNG.shape).copy()
    found = domes_of(tissue)
    assert found[0][RADIUS < 12].mean() > 0.9
    assert not found[9:].any()
