"""The scores of one hospital's scans, or of several hospitals': what answers a request to evaluate."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from shared_model.bounded_json import parse_bounded
from shared_model.constants import NEGATIVE, POSITIVE, TASKS, Task
from shared_model.metrics.auc import Auc, auc
from shared_model.metrics.call_table import CallTable
from shared_model.metrics.proportion import Proportion
from shared_model.metrics.score_histogram import ScoreHistogram, probability_bin

_FIELDS = ("histograms", "calls")


@dataclass(frozen=True)
class SiteEvaluation:
    """Scan scores by task and label, histograms[task][label], and what the scans were called.

    `calls` is empty unless the request said from which probabilities on a scan is called positive.
    """

    histograms: dict[Task, dict[str, ScoreHistogram]]
    calls: CallTable = CallTable()

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
        return SiteEvaluation(merged, self.calls.merge(other.calls))

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

    def auc(self, task: Task) -> Auc | None:
        """The area over all these scans; None if a class is missing."""
        return auc(self.positive(task), self.negative(task))

    def accuracy(self, task: Task, operating_point: float) -> Proportion | None:
        """Scans on the right side of `operating_point` (a probability); None without scans."""
        threshold = probability_bin(operating_point)
        positive, negative = self.positive(task), self.negative(task)
        right = positive.at_least(threshold) + negative.total - negative.at_least(threshold)
        both = positive.merge(negative)
        return Proportion(right, both.total, both.patients) if both.total else None

    def to_text(self) -> str:
        """The JSON that leaves a hospital."""
        return json.dumps(self.to_json())

    @classmethod
    def from_text(cls, text: str) -> "SiteEvaluation":
        """Inverse of `to_text`; raises ValueError, TypeError or AttributeError for anything else."""
        return cls.from_json(parse_bounded(text))

    def to_json(self) -> dict[str, Any]:
        histograms = {
            task: {label: histogram.to_json() for label, histogram in labels.items()}
            for task, labels in self.histograms.items()
        }
        return {"histograms": histograms, "calls": self.calls.counts}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "SiteEvaluation":
        """Inverse of `to_json`; raises ValueError, TypeError or AttributeError for anything else."""
        if set(document) != set(_FIELDS) or set(document["histograms"]) != set(TASKS):
            raise ValueError("an evaluation has calls, and histograms of exactly the tasks " + str(TASKS))
        histograms = {task: _of_task(task, document["histograms"][task]) for task in TASKS}
        calls = CallTable.from_json(document["calls"])
        for label in calls.counts:
            scored = histograms["diseased"].get(label)
            if scored is None or scored.total != calls.total(label):
                raise ValueError("calls count other scans than the histograms")
        return cls(histograms, calls)


def merge_all(evaluations: Iterable[SiteEvaluation]) -> SiteEvaluation:
    """The scans of all hospitals."""
    total = SiteEvaluation.empty()
    for evaluation in evaluations:
        total = total.merge(evaluation)
    return total


def _of_task(task: Task, document: dict[str, Any]) -> dict[str, ScoreHistogram]:
    if not set(document) <= set(POSITIVE[task] + NEGATIVE[task]):
        raise ValueError(f"unknown label for task {task}")
    return {label: ScoreHistogram.from_json(histogram) for label, histogram in document.items()}
