"""The area under the ROC curve of two histograms, with an interval that counts patients."""

import math
from dataclasses import dataclass

import numpy as np

from shared_model.metrics.proportion import Z_95
from shared_model.metrics.score_histogram import ScoreHistogram


@dataclass(frozen=True)
class Auc:
    """An area with its 95 % interval.

    positives, negatives: patients of each class; pairs: positive scans x negative scans; n: scans.
    """

    value: float
    low: float
    high: float
    positives: int
    negatives: int
    pairs: int
    n: int

    def as_json(self) -> dict[str, float | int | None]:
        return {"value": self.value, "low": self.low, "high": self.high, "k": None, "n": self.n}


def auc_value(positive: ScoreHistogram, negative: ScoreHistogram) -> float | None:
    """Area under the ROC curve; scans in the same bin count half. None if a class is empty."""
    if positive.total == 0 or negative.total == 0:
        return None
    below = np.concatenate([[0], np.cumsum(negative.counts)[:-1]])
    wins = (positive.counts * (below + negative.counts / 2)).sum()
    return float(wins / (positive.total * negative.total))


def auc(positive: ScoreHistogram, negative: ScoreHistogram) -> Auc | None:
    """The area with a 95 % interval; None if a class is empty.

    The interval is Newcombe's (2006, method 5), a score interval that is honest at 1.0 too, for as many
    independent observations as there are patients (see Proportion).
    """
    value = auc_value(positive, negative)
    if value is None:
        return None
    low, high = _interval(value, positive.patients, negative.patients)
    pairs, n = positive.total * negative.total, positive.total + negative.total
    return Auc(value, low, high, positive.patients, negative.patients, pairs, n)


def auc_variance(theta: float, positives: int, negatives: int) -> float:
    """Variance of the estimated area if the true one is `theta` (Newcombe 2006, method 5; after Hanley and
    McNeil 1982)."""
    n_star = (positives + negatives) / 2 - 1
    spread = 1 + n_star * ((1 - theta) / (2 - theta) + theta / (1 + theta))
    return theta * (1 - theta) * spread / (positives * negatives)


def _interval(value: float, positives: int, negatives: int) -> tuple[float, float]:
    """The areas theta with |value - theta| = z * standard error(theta), found by bisection."""

    def excess(theta: float) -> float:
        return abs(value - theta) - Z_95 * math.sqrt(auc_variance(theta, positives, negatives))

    def bisect(outside: float, inside: float) -> float:
        for _ in range(60):
            middle = (outside + inside) / 2
            outside, inside = (middle, inside) if excess(middle) > 0 else (outside, middle)
        return (outside + inside) / 2

    return (0.0 if value == 0 else bisect(0.0, value)), (1.0 if value == 1 else bisect(1.0, value))
