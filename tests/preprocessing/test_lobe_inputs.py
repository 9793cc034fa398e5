"""The arrays that the networks get: density, semi-infection masks and neighbouring slices of each lobe."""

import numpy as np
import pytest

from preprocessing.lobe_inputs import LobeInputs
from preprocessing.lung_density import (
    NORMAL_LUNG,
    density_curve,
)
from preprocessing.lungs.lobes import Lobe
from preprocessing.settings import PreprocessingSettings
from shared_model.constants import CROP_SIZE
from tests.support.lobe_images import DENSE, GLASS, lung_of

BOX = (40, 40, 200, 210)


def arrays_of(images: np.ndarray, mask: np.ndarray, **settings: str):
    row0, column0, row1, column1 = BOX
    lobes = [Lobe(number, 1, BOX, mask[row0:row1, column0:column1]) for number in range(len(images))]
    return LobeInputs.of(images, lobes, PreprocessingSettings(**settings)).read(range(len(lobes)))


@pytest.mark.parametrize("power", [0.8, 1.3])
def test_the_same_lung_at_another_breath_gives_the_same_lobes(power: float) -> None:
    images, mask = lung_of(200, noise=15)
    other = np.rint(density_curve(power)).astype(np.uint16)[images]
    ours, theirs = arrays_of(images, mask), arrays_of(other, mask)
    inside = ours.mask[:, np.newaxis] & np.ones((1, 3, 1, 1), np.bool_)
    off = np.abs(ours.images[inside].astype(int) - theirs.images[inside])
    assert off.max() <= 12  # the peak of the histogram is found within a few values
    assert np.mean(ours.semi_infection ^ theirs.semi_infection) < 1e-4
    as_scanned = [arrays_of(one, mask, breath="paper").images[inside].astype(int) for one in (images, other)]
    assert np.abs(np.subtract(*as_scanned)).max() > 40


def test_infection_counts_from_the_scans_own_lung() -> None:
    """Lung of -620 HU is denser than ground glass of a deep breath, and healthy."""
    arrays = arrays_of(*lung_of(380))
    own = np.zeros((CROP_SIZE, CROP_SIZE), np.bool_)
    for part in (GLASS, DENSE):
        own[*part] = True
    assert arrays.semi_infection.sum() == 3 * own.sum()


def test_the_papers_bounds_leave_consolidation_out() -> None:
    arrays = arrays_of(*lung_of(NORMAL_LUNG, noise=10), breath="paper")
    even = arrays_of(*lung_of(NORMAL_LUNG, noise=10))
    dense = even.images[:, 1] > 950
    assert (even.semi_infection & dense).any() and not (arrays.semi_infection & dense).any()
