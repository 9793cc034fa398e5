"""A scan without a chest in it is refused, one that is cut off is flagged."""

import numpy as np
import pytest
from numpy.typing import NDArray

from preprocessing.chest_check import check_chest
from preprocessing.lungs.lobes import Lobe
from shared_model.errors import PneumofedError

SPACING = (6.0, 2.5, 2.5)  # a voxel is 0.0375 ml
IMAGES = np.zeros((40, 128, 128), np.uint16)


def lobe(number: int, side: int, size: int, *, row: int = 30, column: int = 20) -> Lobe:
    """A square lung of size x size pixels."""
    mask = np.ones((size, size), np.bool_)
    box = (row, column, row + size, column + size)
    return Lobe(slice=number, side=side, box=box, mask=mask)


def lungs(sizes: NDArray[np.int64] | list[int], *, start: int = 5) -> list[Lobe]:
    """Two lungs, upwards from slice `start`, of these sizes."""
    return [
        lobe(start + number, side, int(size), column=(20, 70)[side])
        for number, size in enumerate(sizes) for side in (0, 1)
    ]  # fmt: skip


# 30 slices that swell and shrink, 2 x 0.0375 ml x the sum of squares: about 1.4 litres.
WHOLE = np.rint(34 * np.sin(np.pi * (np.arange(30) + 1) / 31)).astype(int)


def test_whole_lungs_pass_without_flags() -> None:
    assert check_chest(lungs(WHOLE), IMAGES, SPACING) == ()
    assert check_chest(lungs(WHOLE, start=0), IMAGES, SPACING) == ()  # they taper off to the very end


def test_lungs_at_the_end_of_the_scan_are_flagged() -> None:
    assert check_chest(lungs(WHOLE[10:], start=0), IMAGES, SPACING) == ("lungs-cut-off",)
    assert check_chest(lungs(WHOLE[:20], start=20), IMAGES, SPACING) == ("lungs-cut-off",)


def test_lungs_at_the_edge_of_the_image_are_flagged() -> None:
    aside = [lobe(one.slice, one.side, int(one.area**0.5), row=0) for one in lungs(WHOLE)]
    assert check_chest(aside, IMAGES, SPACING) == ("lungs-cut-off",)


def test_a_missing_lung_is_flagged() -> None:
    assert check_chest([one for one in lungs(WHOLE) if one.side == 0], IMAGES, SPACING) == ("one-lung",)


@pytest.mark.parametrize("found", [[], lungs([30] * 4), lungs([10] * 30)], ids=["none", "few", "small"])
def test_what_has_no_lungs_is_refused(found: list[Lobe]) -> None:
    with pytest.raises(PneumofedError) as error:
        check_chest(found, IMAGES, SPACING)
    assert error.value.code == "no-lungs"
