"""The scores of one hospital's scans, or of several hospitals': what answers a request to evaluate."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared_model.bounded_json import parse_bounded
from shared_model.constants import NEGATIVE, POSITIVE, TASKS, Task
from shared_model.metrics.auc import Auc, auc
from shared_model.metrics.call_table import CallTable
from shared_model.metrics.proportion import Proportion
from shared_model.metrics.score_histogram import ScoreHistogram, probability_bin
from shared_model.subgroups import PARTS

_FIELDS = ("histograms", "calls")
_SUBGROUPS = "subgroups"
_ALL_PARTS = frozenset(part for parts in PARTS.values() for part in parts)

Histograms = dict[Task, dict[str, ScoreHistogram]]
"""Scan scores by task and label, histograms[task][label]."""


def no_histograms() -> Histograms:
    return {task: {} for task in TASKS}


def merge_histograms(one: Histograms, other: Histograms) -> Histograms:
    """The scans of both."""
    nothing = ScoreHistogram()
    return {
        task: {
            label: one[task].get(label, nothing).merge(other[task].get(label, nothing))
            for label in sorted(one[task].keys() | other[task].keys())
        }
        for task in TASKS
    }


@dataclass(frozen=True)
class SiteEvaluation:
    """Scan scores by task and label, what the scans were called, and scores of subgroups of the scans.

    `calls` and `subgroups` are empty unless the request said from which probabilities on a scan is called
    positive. `subgroups` has those parts of the study's division that are told of some class.
    """

    histograms: Histograms
    calls: CallTable = CallTable()
    subgroups: Mapping[str, Histograms] = field(default_factory=dict)

    @classmethod
    def empty(cls) -> "SiteEvaluation":
        return cls(no_histograms())

    def merge(self, other: "SiteEvaluation") -> "SiteEvaluation":
        """The scans of both hospitals, or of both groups of hospitals."""
        subgroups = {
            part: merge_histograms(
                self.subgroups.get(part, no_histograms()), other.subgroups.get(part, no_histograms())
            )
            for part in sorted(self.subgroups.keys() | other.subgroups.keys())
        }
        histograms = merge_histograms(self.histograms, other.histograms)
        return SiteEvaluation(histograms, self.calls.merge(other.calls), subgroups)

    def subgroup(self, part: str) -> "SiteEvaluation":
        """The scores of the scans that are told under one part of the division."""
        return SiteEvaluation(self.subgroups.get(part, no_histograms()))

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
        document = {"histograms": _to_json(self.histograms), "calls": self.calls.counts}
        subgroups = {part: _to_json(histograms) for part, histograms in self.subgroups.items()}
        return document | ({_SUBGROUPS: subgroups} if subgroups else {})

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "SiteEvaluation":
        """Inverse of `to_json`; raises ValueError, TypeError or AttributeError for anything else."""
        if set(document) - {_SUBGROUPS} != set(_FIELDS):
            raise ValueError("an evaluation has histograms and calls, and subgroups if there are any")
        histograms = _from_json(document["histograms"])
        subgroups = document.get(_SUBGROUPS, {})
        if not set(subgroups) <= _ALL_PARTS:
            raise ValueError("an unknown subgroup")
        calls = CallTable.from_json(document["calls"])
        for label in calls.counts:
            scored = histograms["diseased"].get(label)
            if scored is None or scored.total != calls.total(label):
                raise ValueError("calls count other scans than the histograms")
        return cls(histograms, calls, {part: _from_json(scores) for part, scores in subgroups.items()})


def merge_all(evaluations: Iterable[SiteEvaluation]) -> SiteEvaluation:
    """The scans of all hospitals."""
    total = SiteEvaluation.empty()
    for evaluation in evaluations:
        total = total.merge(evaluation)
    return total


def _to_json(histograms: Histograms) -> dict[str, Any]:
    return {
        task: {label: histogram.to_json() for label, histogram in labels.items()}
        for task, labels in histograms.items()
    }


def _from_json(document: dict[str, Any]) -> Histograms:
    if set(document) != set(TASKS):
        raise ValueError("histograms are of exactly the tasks " + str(TASKS))
    return {task: _of_task(task, document[task]) for task in TASKS}


def _of_task(task: Task, document: dict[str, Any]) -> dict[str, ScoreHistogram]:
    if not set(document) <= set(POSITIVE[task] + NEGATIVE[task]):
        raise ValueError(f"unknown label for task {task}")
    return {label: ScoreHistogram.from_json(histogram) for label, histogram in document.items()}
