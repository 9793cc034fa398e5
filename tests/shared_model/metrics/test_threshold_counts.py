"""Counts by threshold against the scores themselves, net benefit against dcurves."""

import numpy as np
import pandas as pd
import pytest
from dcurves import dca
from scipy.special import expit

from shared_model.metrics.score_histogram import ScoreHistogram
from shared_model.metrics.threshold_counts import ThresholdCounts, threshold_counts


def drawn(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2.5, n)
    return logits, rng.random(n) < expit(0.7 * logits)


def counted(logits: np.ndarray, positive: np.ndarray, temperature: float) -> list[ThresholdCounts]:
    p, q = ScoreHistogram.of(logits[positive]), ScoreHistogram.of(logits[~positive])
    return threshold_counts(p, q, temperature, 0.44)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.9])
def test_counts_are_those_of_the_scores(temperature: float) -> None:
    logits, positive = drawn(500, seed=2)
    rows = counted(logits, positive, temperature)
    for row in rows:
        called = expit(logits / temperature) >= row.threshold
        assert row.true_positives == (called & positive).sum()
        assert row.false_positives == (called & ~positive).sum()
        assert (row.positives, row.negatives) == (positive.sum(), (~positive).sum())


def test_thresholds_are_nearly_whole_percents_and_the_operating_point() -> None:
    logits, positive = drawn(60, seed=3)
    thresholds = np.array([row.threshold for row in counted(logits, positive, 1.4)])
    assert (np.diff(thresholds) > 0).all() and len(thresholds) in (99, 100)
    nearest = np.abs(thresholds[:, None] - np.arange(1, 100) / 100).min(axis=0)
    assert nearest.max() <= 1 / 64 / 4 / 1.4 + 1e-12  # half a bin, where the sigmoid is steepest
    point = expit(np.log(0.44 / 0.56) / 1.4)
    assert np.abs(thresholds - point).min() <= 1 / 64 / 4 / 1.4


def test_a_temperature_beyond_the_histogram_leaves_edges_out() -> None:
    logits, positive = drawn(60, seed=4)
    thresholds = [row.threshold for row in counted(logits, positive, 1e4)]
    assert thresholds == sorted(set(thresholds)) and len(thresholds) < 10
    assert threshold_counts(ScoreHistogram(), ScoreHistogram(), 1.0, 0.5) == []


@pytest.mark.parametrize(("n", "temperature"), [(80, 1.0), (700, 1.6)])
def test_net_benefit_is_that_of_dcurves(n: int, temperature: float) -> None:
    logits, positive = drawn(n, seed=n)
    rows = counted(logits, positive, temperature)
    thresholds = [row.threshold for row in rows]
    data = pd.DataFrame({"ill": positive.astype(int), "model": expit(logits / temperature)})
    oracle = dca(data=data, outcome="ill", modelnames=["model"], thresholds=thresholds)
    by_name = {name: part.sort_values("threshold").net_benefit for name, part in oracle.groupby("model")}
    assert [row.net_benefit for row in rows] == pytest.approx(by_name["model"].tolist(), abs=1e-12)
    assert [row.net_benefit_of_all for row in rows] == pytest.approx(by_name["all"].tolist(), abs=1e-12)
    assert by_name["none"].eq(0).all()
