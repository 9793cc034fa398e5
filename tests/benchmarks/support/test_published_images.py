"""benchmarks/support/published_images.py: a folder of images, labels and patients."""

import numpy as np
import pytest

from benchmarks.covid_ct_2d import folds_of
from benchmarks.support.published_images import read_images
from shared_model.errors import PneumofedError


def test_a_folder_that_is_none_is_refused(tmp_path) -> None:
    with pytest.raises(PneumofedError, match="labels.csv") as refused:
        read_images(tmp_path)
    assert refused.value.code == "images-unreadable"


@pytest.mark.real_data
def test_real_images_have_their_lungs_found_and_patients_kept_apart(real_data) -> None:
    images = read_images(real_data / "covid-ct-2d")
    assert len(images) == 558 and sum(i.covid for i in images) == 268
    assert np.mean([i.lungs.any() for i in images]) > 0.98
    for train, test in folds_of(images):
        assert not {i.patient for i in train} & {i.patient for i in test}
        assert 0.44 < np.mean([i.covid for i in test]) < 0.52
