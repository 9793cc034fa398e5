"""The lobes: `paper` against 2.3 word for word, `consistent` where single slices fail."""

from pathlib import Path

import numpy as np
import pytest

from preprocessing.lungs.lobes import LobeMethod, find_lobes
from preprocessing.pipeline import find_scan_lobes
from preprocessing.reading.series import find_series
from tests.support.chests import chest
from tests.support.segmentation import SPACING, dice, images_of, sides


def test_lobes_are_sorted_and_fill_their_boxes() -> None:
    hu, truth = chest()
    lobes = find_lobes(images_of(hu), SPACING)
    assert [(lobe.slice, lobe.side) for lobe in lobes] == [
        (i, side) for i in range(len(hu)) for side in (0, 1)
    ]
    for lobe in lobes:
        assert lobe.mask.shape == (lobe.box[2] - lobe.box[0], lobe.box[3] - lobe.box[1])
        assert all(lobe.mask.any(axis=axis)[[0, -1]].all() for axis in (0, 1))
        assert lobe.area == lobe.mask.sum()
    found = sides(hu)
    assert min(dice(found, truth, side) for side in (1, 2)) > 0.98


@pytest.mark.parametrize("method", ["consistent", "paper"])
@pytest.mark.parametrize("level", [0, 1000, 2048])
def test_a_scan_without_lungs_has_no_lobes(level: int, method: LobeMethod) -> None:
    assert find_lobes(np.full((4, 64, 64), level, np.uint16), SPACING, method=method) == []


def test_phantoms_of_all_kinds(tiny_hospitals: Path) -> None:
    scores = []
    for hospital in ("north", "lakeside"):
        for study in sorted((tiny_hospitals / hospital / "studies").iterdir()):
            with np.load(tiny_hospitals / hospital / "truth" / f"{study.name}.npz") as truth:
                lungs = truth["lungs"]
            found = np.zeros(lungs.shape, np.uint8)
            for lobe in find_scan_lobes(find_series(study).accepted[0]).lobes:
                row0, column0, row1, column1 = lobe.box
                found[lobe.slice, row0:row1, column0:column1][lobe.mask] = lobe.side + 1
            scores += [dice(found, lungs, side) for side in (1, 2)]
            swapped = ((found == 1) & (lungs == 2)) | ((found == 2) & (lungs == 1))
            assert swapped.sum() < 0.005 * (lungs > 0).sum()
    # Pixels of 2.9 mm and slices of 18 mm: a third of a lung's voxels lie on its edge.
    assert min(scores) > 0.88
    assert np.mean(scores) > 0.94


@pytest.mark.real_data
def test_both_lungs_of_the_real_scan(real_data: Path) -> None:
    lobes = find_scan_lobes(find_series(real_data / "chest-ct").accepted[0]).lobes
    found = {(lobe.slice, lobe.side) for lobe in lobes}
    assert {(number, side) for number in range(20, 85) for side in (0, 1)} <= found
    assert min(number for number, _ in found) >= 3  # below, there is bowel gas only
    assert max(number for number, _ in found) <= 92  # above, there is the trachea only
    middle = {lobe.side: lobe.box for lobe in lobes if lobe.slice == 60}
    assert middle[0][3] <= middle[1][3] and middle[0][1] < middle[1][1]
