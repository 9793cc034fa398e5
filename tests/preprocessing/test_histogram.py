"""Two means on a histogram against K-means."""

import numpy as np
import pytest
from numpy.typing import NDArray

from preprocessing.histogram import stack_histogram, two_means_threshold
from tests.reference import preprocessing as reference


@pytest.mark.parametrize("seed", range(4))
def test_two_means_are_those_of_k_means(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = np.concatenate([rng.normal(150, 90, 3000), rng.normal(1000, 60 + 80 * seed, 1000 * (seed + 1))])
    image = np.clip(np.rint(values), 0, 2048).astype(np.uint16).reshape(1, -1)
    threshold = two_means_threshold(stack_histogram(image, 2049))
    ours, theirs = image < threshold, reference.two_clusters(image)

    def within(low: NDArray[np.bool_]) -> float:
        return float(sum(image[part].var() * part.sum() for part in (low, ~low)))

    assert within(ours) <= within(theirs) * (1 + 1e-12)
    assert (ours != theirs).mean() < 0.002


def test_one_value_has_no_upper_cluster() -> None:
    assert two_means_threshold(stack_histogram(np.full((4, 4), 7, np.uint16), 2049)) == 2049
