"""Two lungs, apart, on their sides, of human size."""

import numpy as np
import pytest
from scipy import ndimage

from tests.support.small_phantoms import QUIET, quiet_scan

VOXEL_ML = QUIET.spacing_mm * QUIET.pixel_mm**2 / 1000


@pytest.mark.parametrize(("label", "number"), [("healthy", 0), ("healthy", 1), ("other", 2)])
def test_the_lungs_are_two_bodies_that_do_not_touch(label: str, number: int) -> None:
    lungs = quiet_scan(label, number).lungs
    bodies, count = ndimage.label(lungs > 0, np.ones((3, 3, 3)))
    sides_of = [set(np.unique(lungs[bodies == k])) for k in range(1, count + 1)]
    assert all(len(sides) == 1 for sides in sides_of)
    for side in (1, 2):
        largest = np.bincount(bodies[lungs == side]).max()
        assert largest > 0.97 * (lungs == side).sum()


@pytest.mark.parametrize("number", range(2))
def test_the_right_lung_is_at_the_images_left_and_both_have_human_size(number: int) -> None:
    lungs = quiet_scan("healthy", number).lungs
    columns = [np.nonzero(lungs == side)[2].mean() for side in (1, 2)]
    assert columns[0] < 0.45 * lungs.shape[2] < 0.55 * lungs.shape[2] < columns[1]
    for side in (1, 2):
        assert 1000 < (lungs == side).sum() * VOXEL_ML < 4500


@pytest.mark.parametrize("number", range(2))
def test_tissues_have_their_densities(number: int) -> None:
    scan = quiet_scan("healthy", number)
    inside = ndimage.binary_erosion(scan.lungs > 0, np.ones((1, 5, 5)))
    assert -900 < np.median(scan.hu[inside]) < -700
    middle = scan.hu[len(scan.hu) // 2]
    assert (middle > 300).sum() > 150  # bone
    assert ((middle > -130) & (middle < -70)).sum() > 1000  # fat
    assert ((middle > 20) & (middle < 90)).sum() > 3000  # muscle, blood
    assert np.median(middle[:4]) < -980  # air in front of the body


def test_slices_run_from_feet_to_head() -> None:
    scan = quiet_scan("healthy", 0)
    assert (np.diff(scan.z_mm) == QUIET.spacing_mm).all()
    area = (scan.lungs > 0).sum((1, 2))
    n = len(area)
    # The lungs' base lies behind liver and stomach; the apex is a small blob on either side of the spine.
    back = [np.nonzero(scan.lungs[k])[1].mean() for k in np.flatnonzero(area > 30)]
    assert back[1] > back[len(back) // 2] + 8
    assert area[: n // 3].max() > 0
    solid = ((scan.hu > 0) & (scan.hu < 150)).sum((1, 2))
    assert solid[:4].mean() > solid[n // 2] * 1.2  # liver below, air above
