"""The body's hull and the air enclosed in it, for a body of ellipses on a table."""

import numpy as np

from preprocessing.lungs.body import find_body, find_enclosed_air
from tests.support.chests import ellipse

SIZE, SPACING = 100, (5.0, 2.0, 2.0)
BODY = ellipse(SIZE, 0.45, 0.5, 0.3, 0.4)
LUNG = ellipse(SIZE, 0.45, 0.3, 0.15, 0.1)
TABLE = np.zeros((SIZE, SIZE), np.bool_)
TABLE[78:82, 5:95] = True


def images(slices: int = 4) -> np.ndarray:
    """Tissue 1040, lung 150, outside air 0; the table touches the back over 8 mm."""
    image = np.where(BODY | TABLE, 1040, 0)
    image[LUNG] = 150
    image[74:78, 50:54] = 1040
    return np.broadcast_to(image, (slices, SIZE, SIZE)).astype(np.uint16)


def test_the_body_is_the_largest_component_without_the_table() -> None:
    body = find_body(images() < 500, SPACING)
    assert not body[:, TABLE].any()
    assert (body[0] != BODY).sum() < 0.02 * BODY.sum()


def test_no_tissue_is_no_body() -> None:
    assert not find_body(np.ones((2, 20, 20), np.bool_), SPACING).any()


def test_enclosed_air_is_what_the_outside_does_not_reach() -> None:
    scan = images()
    air = find_enclosed_air(scan, scan < 500, np.broadcast_to(BODY, scan.shape), SPACING)
    np.testing.assert_array_equal(air, np.broadcast_to(LUNG, scan.shape))


def test_a_lung_that_the_field_of_view_truncates_is_kept() -> None:
    scan = np.ascontiguousarray(images()[:, :, 25:])
    body, lung = np.broadcast_to(BODY[:, 25:], scan.shape), LUNG[:, 25:]
    assert lung[:, 0].any()
    air = find_enclosed_air(scan, scan < 500, body, SPACING)
    assert (air[:, lung]).mean() > 0.9
    assert not air[:, ~lung].any()
