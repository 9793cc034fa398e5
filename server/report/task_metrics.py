"""Figures of one network at one hospital, or at several together, each with its interval or its reason."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from shared_model.constants import NEGATIVE, POSITIVE, Task
from shared_model.metrics import Proportion, SiteEvaluation, auc, probability_bin

Block = dict[str, Any]

Reason = Callable[[str], str]
"""Says of a label why there is no scan of it."""


@dataclass(frozen=True)
class _Called:
    """How many scans of some labels there are, and how many of them were called positive."""

    positive: int
    total: int

    @classmethod
    def of(cls, evaluation: SiteEvaluation, task: Task, labels: tuple[str, ...], threshold: int) -> "_Called":
        scores = evaluation.of(task, labels)
        return cls(scores.at_least(threshold), scores.total)

    @property
    def rate(self) -> Proportion | None:
        return Proportion(self.positive, self.total) if self.total else None

    @property
    def rate_negative(self) -> Proportion | None:
        return Proportion(self.total - self.positive, self.total) if self.total else None


def task_block(evaluation: SiteEvaluation, task: Task, operating_point: float, reason: Reason) -> Block:
    """The figures of `task` where a scan is called positive from the probability `operating_point` on.

    Each figure is {value, low, high, k, n} with its 95 % interval, or None where no scan tells it, and then
    `undefined[figure]` says why in words.
    """
    threshold = probability_bin(operating_point)

    def called(labels: tuple[str, ...]) -> _Called:
        return _Called.of(evaluation, task, labels, threshold)

    accuracy = evaluation.accuracy(task, operating_point)
    rates = {
        "accuracy": (accuracy, POSITIVE[task] + NEGATIVE[task]),
        "sensitivity": (called(POSITIVE[task]).rate, POSITIVE[task]),
        "specificity": (called(NEGATIVE[task]).rate_negative, NEGATIVE[task]),
    }
    if len(POSITIVE[task]) > 1:
        rates |= {f"sensitivity_{label}": (called((label,)).rate, (label,)) for label in POSITIVE[task]}

    block: Block = {"n": accuracy.n if accuracy else 0}
    block |= {name: rate.as_json() if rate else None for name, (rate, _) in rates.items()}
    block["auc"] = auc(evaluation.positive(task), evaluation.negative(task))
    undefined = {name: _reasons(labels, reason) for name, (rate, labels) in rates.items() if rate is None}
    if block["auc"] is None:
        missing = [s for side in (POSITIVE[task], NEGATIVE[task]) if not called(side).total for s in side]
        undefined["auc"] = _reasons(tuple(missing), reason)
    return block | {"undefined": undefined}


def empty_block(task: Task, why: str) -> Block:
    """The figures of a hospital that returned none."""
    return task_block(SiteEvaluation.empty(), task, 0.5, lambda _: why)


def _reasons(labels: tuple[str, ...], reason: Reason) -> str:
    """The reasons of several labels, each said once."""
    return "; ".join(dict.fromkeys(reason(label) for label in labels))


def roc_points(evaluation: SiteEvaluation, task: Task) -> list[list[float]] | None:
    """The ROC curve as [false positive rate, true positive rate] from (0, 0) to (1, 1).

    None where a class is empty. Only the points at which a scan changes sides are kept.
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
