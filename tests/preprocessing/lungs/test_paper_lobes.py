"""Method `paper` against 2.3 word for word."""

from pathlib import Path

import numpy as np
import pytest

from preprocessing.batch_effect import remove_batch_effect
from preprocessing.lungs.paper_lobes import paper_lungs
from preprocessing.reading.volume import CtVolume
from tests.reference import preprocessing as reference
from tests.support.chests import chest
from tests.support.segmentation import images_of


def test_paper_equals_2_3_word_for_word() -> None:
    images = images_of(chest(5, 128)[0])
    ours = paper_lungs(images)
    for image, found in zip(images, ours, strict=True):
        np.testing.assert_array_equal(found, reference.lobes_of_slice(image))
    assert {1, 2} <= set(np.unique(ours))


@pytest.mark.real_data
def test_paper_on_real_slices_equals_2_3(real_data: Path) -> None:
    from preprocessing.reading.series import find_series
    from preprocessing.reading.volume import load_volume

    volume = load_volume(find_series(real_data / "chest-ct").accepted[0])
    few = np.s_[30:90:29]
    volume = CtVolume(volume.hu[few], volume.padding[few], volume.spacing_mm, volume.z_mm[few], ())
    images = remove_batch_effect(volume)
    for image, found in zip(images, paper_lungs(images), strict=True):
        literal = reference.lobes_of_slice(image)
        assert ((found > 0) & (found == literal)).sum() >= 0.999 * ((found > 0) | (literal > 0)).sum()
