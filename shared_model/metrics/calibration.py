"""Whether a probability means what it says: temperature scaling, and the calibration error."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from shared_model.metrics.proportion import Proportion
from shared_model.metrics.score_histogram import ScoreHistogram, bin_logits

GROUPS = 10


def fit_temperature(positive: ScoreHistogram, negative: ScoreHistogram) -> float | None:
    """The T > 0 with which sigmoid(logit / T) fits the scans best (Guo, Pleiss, Sun and Weinberger 2017).

    Maximum likelihood with Platt's targets (1999), (n + 1) / (n + 2) and 1 / (n + 2) for n scans of a class:
    with 1 and 0, classes that the scores separate would give T = 0, probabilities of exactly 0 and 1. One
    positive number does not change which scan scores higher. None if a class is empty, or if no finite T
    fits: the scores point the wrong way or lie far to one side of 0.
    """
    if not positive.total or not negative.total:
        return None
    logits, scans = bin_logits(), positive.counts + negative.counts
    high, low = (positive.total + 1) / (positive.total + 2), 1 / (negative.total + 2)
    expected = high * positive.counts + low * negative.counts

    def slope(inverse: float) -> float:
        """Derivative of the negative log likelihood, which is convex in 1 / T."""
        return float((logits * (scans * expit(inverse * logits) - expected)).sum())

    return None if slope(0.0) >= 0 else 1 / _root(slope)


def _root(rising: Callable[[float], float]) -> float:
    """Where a function on [0, infinity) that rises from below 0 to above is 0."""
    low, high = 0.0, 1.0
    while rising(high) < 0:
        low, high = high, 2 * high
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return (low + high) / 2


@dataclass(frozen=True)
class CalibrationGroup:
    """Scans with like scores: the mean of their predicted probabilities, and the share that is positive."""

    predicted: float
    positive: Proportion

    def as_json(self) -> dict[str, float | int]:
        return {"predicted": self.predicted, **self.positive.as_json()}


def calibration_groups(
    positive: ScoreHistogram, negative: ScoreHistogram, temperature: float
) -> list[CalibrationGroup]:
    """Up to ten groups of scans of nearly equal size, ordered by score (Nixon et al. 2019).

    The groups are the same before and after scaling, none of them nearly empty. Scans in one bin of the
    histogram stay together; the patients of a group are its part of all patients.
    """
    both = positive.merge(negative)
    if not both.total:
        return []
    middle = np.cumsum(both.counts) - both.counts / 2
    group = np.minimum(np.floor(GROUPS * middle / both.total).astype(np.int64), GROUPS - 1)
    probabilities = both.counts * expit(bin_logits() / temperature)
    scans, positives, sums = (
        np.bincount(group, weights=weights, minlength=GROUPS)
        for weights in (both.counts, positive.counts, probabilities)
    )
    return [
        CalibrationGroup(
            float(sums[i] / scans[i]),
            Proportion(int(positives[i]), int(scans[i]), max(1, int(scans[i] * both.patients / both.total))),
        )
        for i in np.flatnonzero(scans)
    ]


def expected_calibration_error(
    positive: ScoreHistogram, negative: ScoreHistogram, temperature: float
) -> float | None:
    """Mean distance between predicted probability and share of positives, over `calibration_groups`; None
    without scans."""
    groups = calibration_groups(positive, negative, temperature)
    if not groups:
        return None
    total = sum(group.positive.n for group in groups)
    return sum(group.positive.n * abs(group.predicted - group.positive.value) for group in groups) / total
