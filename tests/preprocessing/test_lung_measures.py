"""The measures of lungs against shapes whose volumes, areas and heights follow from their equations."""

from dataclasses import astuple, replace

import numpy as np
import pytest

from preprocessing.lung_measures import measure_lungs
from tests.support.drawn_lungs import (
    ASIDE_MM,
    BODY_MM,
    GAS,
    LUNG,
    RADII_MM,
    SIZE,
    TISSUE,
    drawn,
    ellipsoid,
    heights,
    lobes_of,
    two_lungs,
)

Z = heights()
HIGH, DEEP, WIDE = RADII_MM
BOTH_ML = 2 * 4 / 3 * np.pi * HIGH * DEEP * WIDE / 1000


def test_whole_lungs() -> None:
    found = measure_lungs(*drawn(two_lungs(Z)))
    assert found.tissue_ml == pytest.approx(BOTH_ML, rel=0.02)
    assert found.body_share == pytest.approx(2 * DEEP * WIDE / (BODY_MM[0] * BODY_MM[1]), rel=0.02)
    assert found.share_in_view == 1
    assert (found.gas_share, found.contact, found.overlap) == (0, 0, 1)
    assert (found.end_area, found.edge_share, found.one_lung) == (0, 0, False)


@pytest.mark.parametrize("slice_mm", [1.0, 2.5, 5.0, 8.0])
def test_measures_do_not_depend_on_the_slice_spacing(slice_mm: float) -> None:
    scans = [drawn(two_lungs(heights(mm, high=40)), slice_mm=mm) for mm in (3.0, slice_mm)]
    ours, theirs = (astuple(measure_lungs(*scan)) for scan in scans)
    assert ours == pytest.approx(theirs, rel=0.06)


def test_a_mirrored_patient_gives_the_same() -> None:
    z_mm = heights(high=60)
    sides = np.where(ellipsoid(z_mm, -60, (90, 70, 60)), 1, 2 * ellipsoid(z_mm, 80, (120, 60, 40), up_mm=20))
    sides = sides.astype(np.uint8)
    sides[:, :, -4:] = 0
    grey = np.where(np.arange(SIZE) < 50, GAS, LUNG)
    mirrored = ((3 - sides) % 3).astype(np.uint8)[:, :, ::-1]
    ours = measure_lungs(*drawn(sides, grey))
    assert astuple(ours) == pytest.approx(astuple(measure_lungs(*drawn(mirrored, grey[::-1]))), rel=1e-9)


def test_fine_pixels_are_averaged() -> None:
    lobes, images, spacing = drawn(two_lungs(Z))
    coarse = measure_lungs(lobes, images, spacing)
    fine = np.repeat(np.repeat(images, 4, axis=1), 4, axis=2)
    finer = [
        replace(
            lobe, box=tuple(4 * edge for edge in lobe.box), mask=np.kron(lobe.mask, np.ones((4, 4), bool))
        )
        for lobe in lobes
    ]
    ours = measure_lungs(finer, fine, (spacing[0], spacing[1] / 4, spacing[2] / 4))
    assert astuple(ours) == pytest.approx(astuple(coarse), rel=1e-9)


def test_gas_is_as_dark_as_outside_and_tissue_neither_thin_nor_solid() -> None:
    sides = two_lungs(Z)
    right = measure_lungs(*drawn(sides, np.where(np.arange(SIZE) < SIZE // 2, GAS, LUNG)))
    assert right.gas_share == pytest.approx(0.5, abs=0.05)  # the gas's rim lies beside tissue
    assert right.tissue_ml == pytest.approx(BOTH_ML / 2, rel=0.02)
    assert measure_lungs(*drawn(sides, TISSUE)).tissue_ml == 0
    # Bands of 6 mm, as between gas and bowel walls, are no lung tissue.
    bands = np.where(np.arange(SIZE) % 8 < 2, LUNG, TISSUE)
    assert measure_lungs(*drawn(sides, bands)).tissue_ml == 0


def test_the_share_in_view_is_a_height_relative_to_the_width() -> None:
    low = measure_lungs(*drawn(two_lungs(Z, (90.0, DEEP, WIDE))))
    # An ellipsoid's volume over its largest area is 4/3 of its half height.
    assert low.share_in_view == pytest.approx(4 / 3 * 90 / (0.65 * 2 * (ASIDE_MM + WIDE)), rel=0.03)


def test_one_lung_is_half_of_the_width() -> None:
    sides = two_lungs(heights(high=0))
    pair, right = (measure_lungs(*drawn(one)) for one in (sides, sides * np.uint8(sides == 1)))
    assert (pair.one_lung, right.one_lung) == (False, True)
    # 2/3 of the half height over 0.65 of the width; the lone lung is 104 mm wide, the pair 248.
    assert pair.share_in_view == pytest.approx(2 / 3 * HIGH / (0.65 * 248), rel=0.05)
    assert right.share_in_view == pytest.approx(2 / 3 * HIGH / (0.65 * 2 * 104), rel=0.05)


def test_contact_counts_rows_without_mediastinum() -> None:
    sides = np.zeros((30, SIZE, SIZE), np.uint8)
    sides[5:25, 20:90, 20:50], sides[5:25, 20:90, 62:90] = 1, 2
    assert measure_lungs(*drawn(sides)).contact == 0
    sides[5:25, 20:34, 50:56], sides[5:25, 20:34, 56:62] = 1, 2  # they touch in 14 of 70 rows
    assert measure_lungs(*drawn(sides)).contact == pytest.approx(0.2)
    alone = np.where(sides > 0, 1, 0).astype(np.uint8)
    alone[:, :, 70:] = 0  # a lone lung that crosses the middle in the same rows
    alone[:, 34:, 56:] = 0
    assert measure_lungs(*drawn(alone)).contact == pytest.approx(0.2)


def test_overlap_is_relative_to_the_lower_side() -> None:
    z_mm = heights()
    right, left = ellipsoid(z_mm, -72, (60, 60, 50), up_mm=-60), ellipsoid(z_mm, 72, (90, 60, 50), up_mm=30)
    sides = np.where(right, 1, 2 * left).astype(np.uint8)
    assert measure_lungs(*drawn(sides)).overlap == pytest.approx(60 / 120, abs=0.1)  # from -60 to 0 mm
    assert measure_lungs(*drawn(sides * np.uint8(sides == 1))).overlap == 1


def test_the_end_with_the_larger_area_counts() -> None:
    found = measure_lungs(*drawn(two_lungs(heights(low=-125, high=100))))
    assert found.end_area == pytest.approx(1 - (97 / HIGH) ** 2, abs=0.03)  # the last slice is at 97 mm
    assert measure_lungs(*drawn(two_lungs(heights(low=-97, high=126)))).end_area > 0.3


def test_the_edge_of_a_round_field_of_view_counts() -> None:
    lobes, images, spacing = drawn(two_lungs(Z))
    assert measure_lungs(lobes, images, spacing).edge_share == 0
    across = 3.0 * (np.arange(SIZE) - (SIZE - 1) / 2)
    inside = np.hypot(across[:, None], across) < 105
    cut = two_lungs(Z) * inside
    lobes, images, spacing = drawn(cut.astype(np.uint8))
    images += np.uint16(1)  # noise
    images[:, ~inside] = 0
    # Lungs reach 124 mm aside: beyond 105 mm where (z / 125)^2 < 1 - (33 / 52)^2, in 0.77 of their height.
    assert measure_lungs(lobes, images, spacing).edge_share == pytest.approx(0.77, abs=0.08)


def test_gas_at_the_edge_of_the_field_of_view_counts_by_itself() -> None:
    columns, sides = slice(20, 92), two_lungs(Z)
    lateral = np.abs(np.arange(SIZE) - (SIZE - 1) / 2) > 25
    _, images, spacing_mm = drawn(sides, np.where(lateral, GAS, LUNG))
    found = measure_lungs(lobes_of(sides[:, :, columns]), images[:, :, columns], spacing_mm)
    # At 108 mm aside, where the image ends, lungs are 0.72 as high as in their middle.
    assert (found.edge_share, found.gas_edge_share) == (0, pytest.approx(0.75, abs=0.08))
    whole = measure_lungs(*drawn(sides, np.where(lateral, GAS, LUNG)))
    assert (whole.edge_share, whole.gas_edge_share) == (0, 0)


def test_a_pocket_of_air_outside_the_lungs_cuts_nothing_off() -> None:
    sides = two_lungs(Z)
    sides[20:40, 40:60, :8] = 1
    sides[-6:, 50:60, 60:70] = 2
    found = measure_lungs(*drawn(sides))
    assert (found.end_area, found.edge_share) == (0, 0)
