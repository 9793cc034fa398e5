"""Metrics of one task over all scans given, each with its interval or why it is undefined."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from shared_model.constants import NEGATIVE, POSITIVE, Task
from shared_model.metrics.proportion import Proportion
from shared_model.metrics.score_histogram import probability_bin
from shared_model.metrics.site_evaluation import SiteEvaluation

Block = dict[str, Any]

Reason = Callable[[str], str]
"""Maps a label to the reason why there is no scan of it."""


@dataclass(frozen=True)
class _Calls:
    """Scans of some labels: how many were called positive, how many there are, and of how many patients."""

    positive: int
    total: int
    patients: int

    @classmethod
    def of(cls, evaluation: SiteEvaluation, task: Task, labels: tuple[str, ...], threshold: int) -> "_Calls":
        scores = evaluation.of(task, labels)
        return cls(scores.at_least(threshold), scores.total, scores.patients)

    @property
    def rate(self) -> Proportion | None:
        return Proportion(self.positive, self.total, self.patients) if self.total else None

    @property
    def rate_negative(self) -> Proportion | None:
        negative = self.total - self.positive
        return Proportion(negative, self.total, self.patients) if self.total else None


def task_block(evaluation: SiteEvaluation, task: Task, operating_point: float, reason: Reason) -> Block:
    """The metrics of `task` if a scan is called positive from the probability `operating_point` on.

    Each is {value, low, high, k, n} with its 95 % interval, or None if there is no scan to compute it from;
    then `undefined[name]` is the reason in words.
    """
    threshold = probability_bin(operating_point)

    def calls(labels: tuple[str, ...]) -> _Calls:
        return _Calls.of(evaluation, task, labels, threshold)

    accuracy = evaluation.accuracy(task, operating_point)
    rates = {
        "accuracy": (accuracy, POSITIVE[task] + NEGATIVE[task]),
        "sensitivity": (calls(POSITIVE[task]).rate, POSITIVE[task]),
        "specificity": (calls(NEGATIVE[task]).rate_negative, NEGATIVE[task]),
    }
    if len(POSITIVE[task]) > 1:
        rates |= {f"sensitivity_{label}": (calls((label,)).rate, (label,)) for label in POSITIVE[task]}

    block: Block = {"n": accuracy.n if accuracy else 0}
    block |= {name: rate.as_json() if rate else None for name, (rate, _) in rates.items()}
    area = evaluation.auc(task)
    block["auc"] = area.as_json() if area else None
    undefined = {name: _reasons(labels, reason) for name, (rate, labels) in rates.items() if rate is None}
    if area is None:
        missing = [s for side in (POSITIVE[task], NEGATIVE[task]) if not calls(side).total for s in side]
        undefined["auc"] = _reasons(tuple(missing), reason)
    return block | {"undefined": undefined}


def undefined_block(task: Task, why: str) -> Block:
    """The block of a hospital that returned no evaluation: all metrics are undefined."""
    return task_block(SiteEvaluation.empty(), task, 0.5, lambda _: why)


def _reasons(labels: tuple[str, ...], reason: Reason) -> str:
    """The reasons of several labels, without repetition."""
    return "; ".join(dict.fromkeys(reason(label) for label in labels))


def roc_points(evaluation: SiteEvaluation, task: Task) -> list[list[float]] | None:
    """The ROC curve as [false positive rate, true positive rate] from (0, 0) to (1, 1).

    None if a class is empty. Bins without scans add no point.
    """
    positive, negative = evaluation.positive(task), evaluation.negative(task)
    if not (positive.total and negative.total):
        return None
    occupied = (positive.counts + negative.counts).nonzero()[0][::-1]
    points = [[0.0, 0.0]]
    for threshold in occupied:
        false_rate = negative.at_least(int(threshold)) / negative.total
        points.append([false_rate, positive.at_least(int(threshold)) / positive.total])
    return points
