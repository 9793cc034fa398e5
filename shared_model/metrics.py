"""Figures that hospitals can add up: counts and histograms of scores, and what follows from them.

No row about a scan leaves a hospital; a histogram of scores per label does, and histograms add.
"""

import json
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared_model.constants import NEGATIVE, POSITIVE, TASKS, Task

Z_95 = 1.959963984540054  # two-sided 95 % quantile of the normal distribution

# Scores are binned by their logit: probabilities crowd at 0 and 1, logits do not.
BINS = 1024
LOGIT_LIMIT = 16.0
_BINS_PER_UNIT = BINS / (2 * LOGIT_LIMIT)


@dataclass(frozen=True)
class Proportion:
    """`k` of `n` trials, n >= 1, with the 95 % interval of Wilson (1927)."""

    k: int
    n: int

    @property
    def value(self) -> float:
        return self.k / self.n

    @property
    def interval(self) -> tuple[float, float]:
        z2 = Z_95**2
        centre = (self.k + z2 / 2) / (self.n + z2)
        half = Z_95 / (self.n + z2) * math.sqrt(self.k * (self.n - self.k) / self.n + z2 / 4)
        # At the ends the limit is exactly 0 or 1; rounding must not move it.
        low = 0.0 if self.k == 0 else max(0.0, centre - half)
        high = 1.0 if self.k == self.n else min(1.0, centre + half)
        return low, high

    def as_json(self) -> dict[str, float | int]:
        low, high = self.interval
        return {"value": self.value, "low": low, "high": high, "k": self.k, "n": self.n}


@dataclass(frozen=True)
class ScoreHistogram:
    """How many scans scored how high: int64 counts [1024] over equal bins of the logit in [-16, 16).

    Scores beyond the limits count in the end bins. `merge` adds two hospitals' counts.
    """

    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(BINS, np.int64))

    @classmethod
    def of(cls, logits: NDArray[np.floating]) -> "ScoreHistogram":
        """Count scan logits [scan]; raises ValueError if one is not a number."""
        if np.isnan(logits).any():
            raise ValueError("a score is not a number")
        bins = np.clip(np.floor((np.asarray(logits, np.float64) + LOGIT_LIMIT) * _BINS_PER_UNIT), 0, BINS - 1)
        return cls(np.bincount(bins.astype(np.int64), minlength=BINS))

    @property
    def total(self) -> int:
        return int(self.counts.sum())

    def at_least(self, threshold_bin: int) -> int:
        """Scans whose score lies in `threshold_bin` or above."""
        return int(self.counts[threshold_bin:].sum())

    def merge(self, other: "ScoreHistogram") -> "ScoreHistogram":
        """The scans of both."""
        return ScoreHistogram(self.counts + other.counts)

    def to_json(self) -> dict[str, int]:
        """The non-empty bins: {"bin": count}."""
        return {str(i): int(self.counts[i]) for i in np.flatnonzero(self.counts)}

    @classmethod
    def from_json(cls, bins: dict[str, int]) -> "ScoreHistogram":
        """Inverse of `to_json`; raises ValueError for a bin or count that cannot be."""
        counts = np.zeros(BINS, np.int64)
        for name, count in bins.items():
            if not (name.isdecimal() and int(name) < BINS) or not isinstance(count, int) or count < 0:
                raise ValueError(f"not a histogram bin: {name!r}: {count!r}")
            counts[int(name)] = count
        return cls(counts)


def bin_probability(threshold_bin: int) -> float:
    """The lowest probability that falls into `threshold_bin`."""
    return 1.0 / (1.0 + math.exp(LOGIT_LIMIT - threshold_bin / _BINS_PER_UNIT))


def probability_bin(probability: float) -> int:
    """The bin whose lower edge is nearest to `probability` in (0, 1): inverse of `bin_probability`."""
    logit = math.log(probability) - math.log1p(-probability)
    return int(np.clip(round((logit + LOGIT_LIMIT) * _BINS_PER_UNIT), 0, BINS - 1))


def auc_value(positive: ScoreHistogram, negative: ScoreHistogram) -> float | None:
    """Area under the ROC curve; scans in the same bin count half. None if a class is empty."""
    if positive.total == 0 or negative.total == 0:
        return None
    below = np.concatenate([[0], np.cumsum(negative.counts)[:-1]])
    wins = (positive.counts * (below + negative.counts / 2)).sum()
    return float(wins / (positive.total * negative.total))


def auc(positive: ScoreHistogram, negative: ScoreHistogram) -> dict[str, Any] | None:
    """The area with a 95 % interval (Newcombe 2006, method 5: a score interval, honest at 1.0 too)."""
    value = auc_value(positive, negative)
    if value is None:
        return None
    low, high = _auc_interval(value, positive.total, negative.total)
    n = positive.total + negative.total
    return {"value": value, "low": low, "high": high, "k": None, "n": n}


def _auc_interval(value: float, positives: int, negatives: int) -> tuple[float, float]:
    """The areas theta with |value - theta| = z * standard error(theta), found by bisection."""

    def excess(theta: float) -> float:
        n_star = (positives + negatives) / 2 - 1
        spread = 1 + n_star * ((1 - theta) / (2 - theta) + theta / (1 + theta))
        variance = theta * (1 - theta) * spread / (positives * negatives)
        return abs(value - theta) - Z_95 * math.sqrt(variance)

    def bisect(outside: float, inside: float) -> float:
        for _ in range(60):
            middle = (outside + inside) / 2
            outside, inside = (middle, inside) if excess(middle) > 0 else (outside, middle)
        return (outside + inside) / 2

    return (0.0 if value == 0 else bisect(0.0, value)), (1.0 if value == 1 else bisect(1.0, value))


@dataclass(frozen=True)
class SiteEvaluation:
    """Scan scores of one hospital, or of several merged: histograms[task][label]."""

    histograms: dict[Task, dict[str, ScoreHistogram]]

    @classmethod
    def empty(cls) -> "SiteEvaluation":
        return cls({task: {} for task in TASKS})

    def merge(self, other: "SiteEvaluation") -> "SiteEvaluation":
        """The scans of both hospitals, or of both groups of hospitals."""
        merged: dict[Task, dict[str, ScoreHistogram]] = {}
        for task in TASKS:
            mine, theirs = self.histograms[task], other.histograms[task]
            nothing = ScoreHistogram()
            merged[task] = {
                label: mine.get(label, nothing).merge(theirs.get(label, nothing))
                for label in sorted(mine.keys() | theirs.keys())
            }
        return SiteEvaluation(merged)

    def of(self, task: Task, labels: tuple[str, ...]) -> ScoreHistogram:
        """The scores of all scans of `task` with one of `labels`."""
        total = ScoreHistogram()
        for label in labels:
            total = total.merge(self.histograms[task].get(label, ScoreHistogram()))
        return total

    def positive(self, task: Task) -> ScoreHistogram:
        return self.of(task, POSITIVE[task])

    def negative(self, task: Task) -> ScoreHistogram:
        return self.of(task, NEGATIVE[task])

    def auc_value(self, task: Task) -> float | None:
        return auc_value(self.positive(task), self.negative(task))

    def accuracy(self, task: Task, operating_point: float) -> Proportion | None:
        """Scans on the right side of `operating_point` (a probability); None without scans."""
        threshold = probability_bin(operating_point)
        positive, negative = self.positive(task), self.negative(task)
        right = positive.at_least(threshold) + negative.total - negative.at_least(threshold)
        total = positive.total + negative.total
        return Proportion(right, total) if total else None

    def to_text(self) -> str:
        """The JSON that leaves a hospital."""
        return json.dumps(self.to_json())

    @classmethod
    def from_text(cls, text: str) -> "SiteEvaluation":
        """Inverse of `to_text`; raises ValueError, TypeError or AttributeError for anything else."""
        return cls.from_json(json.loads(text))

    def to_json(self) -> dict[str, dict[str, dict[str, int]]]:
        return {
            task: {label: histogram.to_json() for label, histogram in labels.items()}
            for task, labels in self.histograms.items()
        }

    @classmethod
    def from_json(cls, document: dict[str, dict[str, dict[str, int]]]) -> "SiteEvaluation":
        """Inverse of `to_json`; raises ValueError for anything else."""
        if set(document) != set(TASKS):
            raise ValueError("an evaluation has exactly the tasks " + ", ".join(TASKS))
        histograms: dict[Task, dict[str, ScoreHistogram]] = {}
        for task in TASKS:
            if not set(document[task]) <= set(POSITIVE[task] + NEGATIVE[task]):
                raise ValueError(f"unknown label for task {task}")
            histograms[task] = {label: ScoreHistogram.from_json(b) for label, b in document[task].items()}
        return cls(histograms)


def best_operating_point(evaluation: SiteEvaluation, task: Task) -> float:
    """The probability that splits `evaluation` best: highest sensitivity + specificity (Youden 1950).

    Of a run of equally good bins the middle one is taken, farthest from the scans on either side.
    Where one class is missing nothing can be chosen and the paper's 0.5 stays (2.6).
    """
    positive, negative = evaluation.positive(task), evaluation.negative(task)
    if positive.total == 0 or negative.total == 0:
        return 0.5
    sensitivity = np.cumsum(positive.counts[::-1])[::-1] / positive.total
    specificity = 1 - np.cumsum(negative.counts[::-1])[::-1] / negative.total
    youden = sensitivity + specificity
    best = np.flatnonzero(youden >= youden.max() - 1e-12)
    run = best[: np.flatnonzero(np.diff(best) > 1)[0] + 1] if (np.diff(best) > 1).any() else best
    return bin_probability(int(run[len(run) // 2]))
