"""benchmarks/support/image_shortcuts.py: what files give away."""

import numpy as np

from benchmarks.support.image_shortcuts import logistic, of_crop, of_file, shortcut_scores
from tests.support.published_images import chest, image


def test_the_baseline_finds_size_in_files_and_not_in_crops() -> None:
    images = [image(f"{i}", f"{i}", i % 2 == 0, chest(300 + i, 330 if i % 2 else 420)) for i in range(24)]
    covid = np.array([i.covid for i in images[16:]])
    by_size = shortcut_scores(logistic, of_file, images[:16], images[16:])
    assert by_size[covid].min() > by_size[~covid].max()
    assert len(of_crop(images[0])) == len(of_file(images[0])) - 3
