"""Where lesions lie: depth in slices, preferred regions, and opacities up to a share."""

import numpy as np
import pytest
from scipy import ndimage

from preprocessing.phantom.anatomy import LungMap
from preprocessing.phantom.lesion_sites import LesionPlacer, Lungs, depth_in_slices
from preprocessing.phantom.lesions import Opacity


def two_boxes() -> Lungs:
    """A right and a left lung, boxes of 60 x 120 x 180 mm."""
    x, y, z = np.arange(-90.0, 91, 6), np.arange(-72.0, 73, 6), np.arange(-90.0, 91, 6)
    side = np.zeros((len(z), len(y), len(x)), np.uint8)
    inside = (np.abs(y) <= 60)[:, None] & (np.abs(np.abs(x) - 48) <= 30)
    side[:, inside] = np.broadcast_to(np.where(x < 0, 1, 2), inside.shape)[inside]
    return Lungs.from_lung_map(LungMap(side, z, y, x), -850.0)


def test_depth_is_the_distance_from_the_edge_in_the_slice() -> None:
    lungs = two_boxes()
    inside = lungs.mesh.side > 0
    expected = np.stack([ndimage.distance_transform_edt(one) for one in inside]) * 6
    found = depth_in_slices(inside, 6.0)
    assert np.abs(found - expected).max() < 0.1 * expected.max()  # OpenCV's 3 x 3 mask approximates
    assert found.dtype == np.float32


@pytest.mark.parametrize("side", [1, 2])
def test_points_lie_in_their_lung_and_follow_the_preferences(side: int) -> None:
    lungs, rng = two_boxes(), np.random.default_rng(1)

    def points(**preferences: float) -> np.ndarray:
        return np.array([lungs.random_point(rng, side, **preferences) for _ in range(200)])  # type: ignore[arg-type]

    plain = points(low=0, back=0)
    assert (np.sign(plain[:, 0]) == (-1 if side == 1 else 1)).all()
    assert points(low=4, back=0)[:, 2].mean() < plain[:, 2].mean() - 20
    assert points(low=0, back=3)[:, 1].mean() > plain[:, 1].mean() + 15
    edge = points(low=0, back=0, edge_mm=7)
    assert (np.abs(np.abs(edge[:, 0]) - 48) > 22)[np.abs(edge[:, 1]) < 50].all()
    assert np.abs(edge[:, 0]).mean() > np.abs(plain[:, 0]).mean()


def test_opacities_are_added_until_they_cover_the_share() -> None:
    lungs, rng = two_boxes(), np.random.default_rng(2)
    placer = LesionPlacer(lungs)
    assert placer.needs_more(0.1)
    while placer.needs_more(0.1):
        centre = lungs.random_point(rng, 1, low=0, back=0)
        placer.add(
            Opacity((centre[0], centre[1], centre[2]), (20, 20, 20), -500, 1, key=len(placer.opacities))
        )
    covered = np.zeros(lungs.mesh.side.shape, np.bool_)
    for opacity in placer.opacities:
        box, cover = opacity.cover(lungs.mesh)
        covered[box] |= cover > 0.5
    share = covered.sum() / (lungs.mesh.side > 0).sum()
    assert 0.1 <= share < 0.2
    tiny = LesionPlacer(lungs)
    while tiny.needs_more(0.5):
        tiny.add(Opacity((0, 0, 0), (1, 1, 1), -500, 1))
    assert len(tiny.opacities) == 45  # no end of small ones
