"""Objects and histograms against OpenCV's own measurements, scipy and numpy."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from preprocessing.image_ops import (
    bounding_box,
    connected_components,
    connected_components_3d,
    histogram,
    thick_components,
)

STRUCTURES = {4: None, 8: np.ones((3, 3))}


def masks_of(seed: int, share: float, block: int) -> NDArray[np.bool_]:
    rng = np.random.default_rng(seed)
    rows, columns = rng.integers(1, 12, 2)
    return np.kron(rng.random((rows, columns)) < share, np.ones((block, block))).astype(np.bool_)


@settings(max_examples=80)
@given(
    st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.2, 0.5, 0.8, 1.0]), st.sampled_from([1, 3]),
    st.sampled_from([4, 8]),
)  # fmt: skip
def test_objects_are_measured_as_opencv_and_scipy_do(
    seed: int, share: float, block: int, connectivity: int
) -> None:
    mask = masks_of(seed, share, block)
    ours = connected_components(mask, connectivity=connectivity)
    count, labels, stats, centroids = cv2.connectedComponentsWithStats(
        mask.astype(np.uint8), connectivity=connectivity
    )
    np.testing.assert_array_equal(ours.labels, labels)
    np.testing.assert_array_equal(ours.areas, stats[:, cv2.CC_STAT_AREA])
    np.testing.assert_array_equal(ours.boxes[1:], stats[1:, :4])
    np.testing.assert_allclose(ours.centroids[1:], centroids[1:], rtol=1e-12)
    labels, known = ndimage.label(mask, STRUCTURES[connectivity])
    assert count == known + 1
    np.testing.assert_array_equal(ours.areas[1:].sum(), mask.sum())
    for label in range(1, count):
        number = ours.labels[labels == label]
        assert (number == number[0]).all() and number[0] > 0


def test_runs_end_with_the_row() -> None:
    mask = np.zeros((2, 3), np.bool_)
    mask[0, 2] = mask[1, 0] = True  # side by side in memory
    objects = connected_components(mask, connectivity=4)
    np.testing.assert_array_equal(objects.boxes, [[0, 0, 0, 0], [2, 0, 1, 1], [0, 1, 1, 1]])
    np.testing.assert_array_equal(objects.areas, [4, 1, 1])


@pytest.mark.parametrize("length", [2049, 5001])
def test_a_histogram_counts_what_the_mask_holds(length: int) -> None:
    rng = np.random.default_rng(length)
    image = rng.integers(0, length, (64, 80)).astype(np.uint16)
    mask = rng.random(image.shape) < 0.3
    for where in (None, mask, np.zeros_like(mask), ~mask):
        counted = image if where is None else image[where]
        expected = np.bincount(counted.ravel(), minlength=length)
        np.testing.assert_array_equal(histogram(image, length, where), expected)


@settings(max_examples=50)
@given(st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_objects_in_space_are_those_of_the_whole_array(seed: int, density: float) -> None:
    """Against scipy's numbering of the whole array; the objects lie anywhere in it, or nowhere."""
    draw = np.random.default_rng(seed)
    mask = np.zeros(draw.integers(1, 12, 3), np.bool_)
    part = tuple(slice(*sorted(draw.integers(0, size + 1, 2))) for size in mask.shape)
    mask[part] = draw.random(mask[part].shape) < density
    labels, sizes = connected_components_3d(mask)
    expected, count = ndimage.label(mask)
    np.testing.assert_array_equal(labels, expected)
    np.testing.assert_array_equal(sizes, [0, *(np.count_nonzero(expected == n + 1) for n in range(count))])


def test_thick_objects_are_thick_in_their_slice_and_large_in_space() -> None:
    mask = np.zeros((4, 40, 40), np.bool_)
    mask[:2, 5:15, 5:15] = True  # 2 slices of 20 x 20 mm: 4 ml
    mask[:2, 5:35, 25:29] = True  # larger, but 8 mm wide
    mask[3, 25:35, 5:15] = True  # 2 ml
    found = thick_components(mask, 4.0, 3.0, (5.0, 2.0, 2.0))
    assert found[0, 10, 10] and found[1, 10, 10]
    assert not found[:, :, 20:].any()
    assert not found[3].any()
    assert thick_components(mask, 4.0, 1.0, (5.0, 2.0, 2.0))[3, 30, 10]


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.05, 0.5]), st.sampled_from([0, 2]))
def test_a_box_holds_all_of_the_mask_and_no_empty_edge(seed: int, density: float, margin: int) -> None:
    mask = np.random.default_rng(seed).random((4, 9, 7)) < density
    box = bounding_box(mask, margin)
    assert np.count_nonzero(mask[box]) == np.count_nonzero(mask)
    if not mask.any():
        assert mask[box].size == 0
        return
    for axis, (held, wide) in enumerate(zip(box, (0, margin, margin), strict=True)):
        places = np.nonzero(mask)[axis]
        first, last = int(places.min()) - wide, int(places.max()) + wide
        assert (held.start, min(held.stop, mask.shape[axis])) == (
            max(0, first),
            min(last + 1, mask.shape[axis]),
        )
