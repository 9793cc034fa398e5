"""Doubts of whole scans: planted ones with slice, kind and ml; none where the lungs are the true ones."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from preprocessing.batch_effect import remove_batch_effect
from preprocessing.phantom.acquisition import simulate_scan
from preprocessing.pipeline import find_scan_lobes
from preprocessing.reading.series import find_series
from preprocessing.reading.volume import CtVolume
from preprocessing.review.scan_doubts import ScanDoubts, SliceDoubt, find_doubts
from tests.support.segmented_scans import leaking_chest, pixels, segmented, whole_chest, without_side
from tests.support.small_phantoms import QUIET

LEAK = (150.0, 130.0, 210.0, 230.0)  # across the 100 mm of mediastinum, 60 mm high
LEAK_ML = 60 * (100 - 2 * 15) * 5 / 1000


def test_each_kind_is_told_with_its_slice_and_volume() -> None:
    scan = without_side(leaking_chest({3: LEAK, 8: (150, 0, 210, 50)}), 1, {5})
    found = {(doubt.slice, doubt.kind): doubt.ml for doubt in find_doubts(scan).doubts}
    assert set(found) == {
        (3, "far-from-air"), (8, "far-from-air"), (8, "outside-air"), (5, "side-missing"),
        (3, "sudden-change"),
    }  # fmt: skip
    assert found[3, "far-from-air"] == pytest.approx(LEAK_ML, rel=0.1)
    assert found[3, "sudden-change"] == 60 * 100 * 5 / 1000
    assert found[5, "side-missing"] == pytest.approx(180 * 80 * 5 / 1000)


def test_a_doubled_lobe_is_a_sudden_change_of_its_area() -> None:
    doubts = find_doubts(leaking_chest({6: (90, 130, 270, 195)}))
    assert doubts.doubtful_slices == [6]
    change = next(doubt for doubt in doubts.doubts if doubt.kind == "sudden-change")
    assert change.ml == pytest.approx(180 * 65 * 5 / 1000)


def test_a_lobe_where_it_is_raises_no_doubt() -> None:
    for slice_mm in (1.0, 5.0, 8.0):
        assert find_doubts(whole_chest(slice_mm=slice_mm)) == ScanDoubts(12, ())


def test_a_slice_counts_with_its_largest_doubt() -> None:
    doubts = (
        SliceDoubt(2, "far-from-air", 3.0),
        SliceDoubt(2, "sudden-change", 5.0),
        SliceDoubt(4, "outside-air", 1.5),
    )
    scan = ScanDoubts(9, doubts)
    assert scan.doubtful_ml == 6.5
    assert scan.doubtful_slices == [2, 4]
    assert scan.kinds == ["far-from-air", "outside-air", "sudden-change"]
    assert ScanDoubts.from_json(scan.to_json()) == scan
    assert ScanDoubts(9, ()).doubtful_ml == 0


@pytest.mark.parametrize("slice_mm", [5.0, 8.0])
@pytest.mark.parametrize("patient", [0, 1, 2])
def test_the_true_lungs_of_healthy_phantoms_raise_no_doubt(patient: int, slice_mm: float) -> None:
    phantom = simulate_scan("healthy", replace(QUIET, spacing_mm=slice_mm), (23, patient))
    hu = np.rint(phantom.hu).astype(np.int16)
    spacing = (slice_mm, QUIET.pixel_mm, QUIET.pixel_mm)
    images = remove_batch_effect(CtVolume(hu, np.zeros(hu.shape, np.bool_), spacing, phantom.z_mm, ()))
    assert find_doubts(segmented(images, phantom.lungs, spacing)).doubts == ()


@pytest.mark.real_data
def test_a_leak_into_the_wall_of_a_real_scan_is_found_in_its_slices_at_three_spacings(
    real_data: Path,
) -> None:
    """The liver as right lung, 60 x 60 mm in 30 mm of height, in slices 3, 6 and 9 mm apart."""
    scan = find_scan_lobes(find_series(real_data / "chest-ct").accepted[0])
    sides = np.zeros(scan.images.shape, np.uint8)
    for lobe in scan.lobes:
        row0, column0, row1, column1 = lobe.box
        sides[lobe.slice, row0:row1, column0:column1][lobe.mask] = lobe.side + 1
    leak = pixels((100, 60, 160, 120), scan.spacing_mm[1])
    for every in (1, 2, 3):
        spacing = (every * scan.spacing_mm[0], *scan.spacing_mm[1:])
        images, thinned = scan.images[::every], sides[::every].copy()
        assert find_doubts(segmented(images, thinned, spacing)).doubts == ()
        leaking = [number for number in range(len(images)) if 10 <= number * every < 20]
        for number in leaking:
            thinned[number, *leak] = np.maximum(thinned[number, *leak], 1)
        doubts = find_doubts(segmented(images, thinned, spacing))
        assert set(leaking) <= set(doubts.doubtful_slices) <= {leaking[0] - 1, *leaking, leaking[-1] + 1}
        assert {doubt.slice for doubt in doubts.doubts if doubt.kind == "far-from-air"} == set(leaking)
