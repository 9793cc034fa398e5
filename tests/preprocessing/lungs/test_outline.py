"""The boundary at full resolution, against the ellipse that was drawn."""

import numpy as np
from scipy import ndimage

from preprocessing.lungs.outline import refine_outline
from tests.support.chests import ellipse

SIZE, FACTOR = 96, 3
LUNG = ellipse(SIZE, 0.5, 0.4, 0.3, 0.2)


def coarse_of(image: np.ndarray) -> np.ndarray:
    size = SIZE // FACTOR
    return image.reshape(size, FACTOR, size, FACTOR).mean(axis=(1, 3))


def test_the_outline_lies_half_way_from_lung_to_tissue() -> None:
    blurred = ndimage.gaussian_filter(np.where(LUNG, 150.0, 1050.0), 1.0)
    images = np.rint(blurred).astype(np.uint16)[np.newaxis]
    coarse = np.rint(coarse_of(blurred)).astype(np.uint16)[np.newaxis]
    sides = np.where(coarse_of(LUNG.astype(float)) > 0.5, 2, 0).astype(np.uint8)[np.newaxis]
    found = refine_outline(images, coarse, sides, tissue=1050.0, factor=FACTOR, coarse_mm=1.5)
    assert set(np.unique(found)) == {0, 2}
    assert ((found[0] > 0) != LUNG).sum() < 0.02 * LUNG.sum()
    rough = np.kron(sides[0] > 0, np.ones((FACTOR, FACTOR))) > 0
    assert (rough != LUNG).sum() > 3 * ((found[0] > 0) != LUNG).sum()


def test_inside_the_boundary_all_is_lung_whatever_its_grey_value() -> None:
    images = np.where(LUNG, 150, 1050).astype(np.uint16)
    images[46:50, 36:40] = 1200  # a vessel
    sides = np.where(coarse_of(LUNG.astype(float)) > 0.5, 1, 0).astype(np.uint8)[np.newaxis]
    coarse = coarse_of(images).astype(np.uint16)[np.newaxis]
    found = refine_outline(images[np.newaxis], coarse, sides, 1050.0, FACTOR, 1.5)
    assert (found[0, 46:50, 36:40] == 1).all()


def test_slices_without_lung_stay_empty() -> None:
    shape = (2, SIZE, SIZE)
    small = np.zeros((2, SIZE // FACTOR, SIZE // FACTOR), np.uint16)
    found = refine_outline(np.zeros(shape, np.uint16), small, small.astype(np.uint8), 1000.0, FACTOR, 1.5)
    assert found.shape == shape and not found.any()
