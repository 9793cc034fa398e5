"""Sensitivity, specificity and predictive values by threshold: a table, and what the page's slider reads."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared_model.constants import TASKS
from shared_model.metrics.proportion import Proportion

Document = Mapping[str, Any]

SHOWN = (0.1, 0.3, 0.5, 0.7, 0.9)
_GROUPS = {"unseen": "all held-out hospitals", "seen": "all training hospitals"}


@dataclass(frozen=True)
class ThresholdRow:
    """Scans called positive from `threshold` on; each figure is None if there is no scan to count."""

    threshold: float
    is_operating_point: bool
    figures: Mapping[str, Proportion | None]


def threshold_rows(document: Document, group: str, task: str) -> list[ThresholdRow]:
    """At 10, 30, 50, 70 and 90 % and at the operating point; empty without scans."""
    columns = document["curves"][group][task]["thresholds"]
    if columns is None:
        return []
    thresholds, point = columns["threshold"], operating_row(document, columns, task)
    shown = {_nearest(thresholds, share) for share in SHOWN}
    return [
        ThresholdRow(thresholds[row], row == point, _figures(columns, row)) for row in sorted(shown | {point})
    ]


def operating_row(document: Document, columns: Document, task: str) -> int:
    """The row of the study's operating point, which is a probability before scaling."""
    point, temperature = document["operating_point"][task], document["temperature"][task] or 1.0
    scaled = 1 / (1 + (1 / point - 1) ** (1 / temperature))
    return _nearest(columns["threshold"], scaled)


def _nearest(thresholds: Sequence[float], value: float) -> int:
    return min(range(len(thresholds)), key=lambda row: abs(thresholds[row] - value))


def _figures(columns: Document, row: int) -> dict[str, Proportion | None]:
    """Predictive values are those among these scans: at their own share of positives."""
    true, false = columns["true_positives"][row], columns["false_positives"][row]
    positives, negatives = columns["positives"], columns["negatives"]
    left = positives["scans"] - true, negatives["scans"] - false
    patients = (positives["patients"] + negatives["patients"]) / (positives["scans"] + negatives["scans"])
    return {
        "sensitivity": _proportion(true, positives["scans"], positives["patients"]),
        "specificity": _proportion(left[1], negatives["scans"], negatives["patients"]),
        "ppv": _proportion(true, true + false, max(1, int(patients * (true + false)))),
        "npv": _proportion(left[1], sum(left), max(1, int(patients * sum(left)))),
    }


def _proportion(k: int, n: int, patients: int) -> Proportion | None:
    return Proportion(k, n, patients) if n else None


def chooser_json(document: Document) -> str:
    """What the slider reads: thresholds and the operating point's row by task, and counts by place."""
    curves = document["curves"]
    places = [(words, curves[group]) for group, words in _GROUPS.items()]
    names = [hospital["name"] for hospital in document["hospitals"]]
    places += [(name, curves["hospitals"][name]) for name in names]
    of_tasks: dict[str, Any] = {}
    for task in TASKS:
        found = [columns for _, place in places if (columns := place[task]["thresholds"]) is not None]
        if found:
            of_tasks[task] = {
                "threshold": found[0]["threshold"], "start": operating_row(document, found[0], task),
            }  # fmt: skip
    told = [{"name": name, **{task: _counts(place[task]["thresholds"]) for task in TASKS}}
            for name, place in places]  # fmt: skip
    return json.dumps({"tasks": of_tasks, "places": told}, separators=(",", ":"))


def _counts(columns: Document | None) -> dict[str, Any] | None:
    """Everything but the thresholds, which are those of all places, and net benefits."""
    if columns is None:
        return None
    kept = ("positives", "negatives", "true_positives", "false_positives")
    return {name: columns[name] for name in kept}
