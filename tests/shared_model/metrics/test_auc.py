"""Areas and their intervals against scikit-learn and simulations."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from shared_model.metrics.auc import auc, auc_value, auc_variance
from shared_model.metrics.score_histogram import ScoreHistogram


def test_auc_is_scikit_learns_on_separate_bins() -> None:
    generator = np.random.default_rng(0)
    positive, negative = generator.normal(1, 2, 80), generator.normal(0, 2, 60)
    bins = np.floor((np.concatenate([positive, negative]) + 16) * 32)  # scores as the histogram knows them
    expected = roc_auc_score(np.repeat([1, 0], [80, 60]), bins)
    ours = auc(ScoreHistogram.of(positive), ScoreHistogram.of(negative))
    assert ours is not None and ours.value == pytest.approx(expected, abs=1e-12)
    assert ours.low < expected < ours.high and (ours.n, ours.pairs) == (140, 4800)


@pytest.mark.parametrize("repeated", [1, 3])
def test_the_interval_covers_as_often_as_it_says(repeated: int) -> None:
    """20 patients of each class, each with so many scans of the same score."""
    generator, covered = np.random.default_rng(1), 0
    truth = 0.8556  # P(N(1.5, 1) > N(0, 1)) = Phi(1.5 / sqrt 2)
    for _ in range(400):
        positive, negative = (np.repeat(generator.normal(m, 1, 20), repeated) for m in (1.5, 0))
        found = auc(ScoreHistogram.of(positive, 20), ScoreHistogram.of(negative, 20))
        assert found is not None
        covered += found.low <= truth <= found.high
    assert 0.92 <= covered / 400 <= 0.99


def test_the_limits_lie_a_score_interval_from_the_value() -> None:
    """Newcombe's method 5, written out: the variance at the limit, not at the value."""
    found = auc(ScoreHistogram.of(np.array([2.0, 1.0, 0.0])), ScoreHistogram.of(np.array([-1.0, 0.5])))
    assert found is not None and found.value == pytest.approx(5 / 6)
    for theta in (found.low, found.high):
        spread = 1 + 1.5 * ((1 - theta) / (2 - theta) + theta / (1 + theta))  # N* = (3 + 2) / 2 - 1
        variance = theta * (1 - theta) * spread / 6
        assert abs(5 / 6 - theta) == pytest.approx(1.959963984540054 * np.sqrt(variance))
        assert auc_variance(theta, 3, 2) == pytest.approx(variance)


def test_an_area_of_one_is_not_certain() -> None:
    found = auc(ScoreHistogram.of(np.full(12, 3.0)), ScoreHistogram.of(np.full(12, -3.0)))
    assert found is not None and found.value == found.high == 1 and 0.7 < found.low < 1


def test_an_empty_class_has_no_area() -> None:
    assert auc(ScoreHistogram(), ScoreHistogram.of(np.zeros(3))) is None
    assert auc_value(ScoreHistogram.of(np.zeros(3)), ScoreHistogram()) is None
