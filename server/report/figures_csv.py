"""Every figure of report.json as one line of a CSV file, undefined ones with their reason."""

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any

from shared_model.constants import LABELS, TASKS

COLUMNS = (
    "state", "place", "role", "task", "figure", "stage", "round",
    "value", "low", "high", "k", "n", "undefined",
)  # fmt: skip
"""state: "partial" or "final"; place: a hospital, or "all" of a role; stage, round: of a round's figure."""

_ROLES = {"seen": "training", "unseen": "held-out"}
_OF_ROUNDS = ("loss", "accuracy", "within_auc")

Line = dict[str, Any]


def figures_csv(document: Mapping[str, Any]) -> str:
    """The text of the file, with a line of column names; numbers in full precision, shares from 0 to 1."""
    file = io.StringIO()
    writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
    writer.writeheader()
    state = "partial" if document["partial"] else "final"
    writer.writerows({"state": state, **line} for line in _lines(document))
    return file.getvalue()


def _lines(document: Mapping[str, Any]) -> Iterator[Line]:
    for hospital in document["hospitals"]:
        place = {"place": hospital["name"], "role": hospital["role"]}
        yield from _counts(place, hospital)
        yield from _blocks(place, hospital)
    for group, blocks in document["pooled"].items():
        yield from _blocks({"place": "all", "role": _ROLES[group]}, blocks)
    for task in TASKS:
        line = {"task": task, "figure": "temperature", "value": document["temperature"][task]}
        yield line | {"undefined": document["temperature"]["undefined"].get(task)}
        yield {"task": task, "figure": "operating point", "value": document["operating_point"][task]}
    for record in document["rounds"]:
        yield from _round(record)
    if document["subgroups"] is not None:
        yield from _subgroups(document["subgroups"])
    if document["comparison"] is not None:
        yield from _comparison(document["comparison"])


def _counts(place: Line, hospital: Mapping[str, Any]) -> Iterator[Line]:
    """Patients by class. "at least" where further ones are in splits that it does not tell of."""
    for label in LABELS:
        count, floor = hospital["counts"][label], hospital["count_floor"]
        name = f"patients {label}" + " at least" * (label in hospital["counts_at_least"])
        why = f"fewer than {floor}" if count is None else None
        yield place | {"figure": name, "value": count, "undefined": why}
    yield place | {"figure": "count floor", "value": hospital["count_floor"]}
    rounds = hospital["rounds"]
    yield place | {"figure": "rounds returned", "value": rounds["returned"], "n": rounds["asked"]}
    for name, value in hospital["traffic"].items():
        why = "not counted by an earlier version" if value is None else None
        yield place | {"figure": f"traffic {name}", "value": value, "undefined": why}


def _blocks(place: Line, blocks: Mapping[str, Any]) -> Iterator[Line]:
    for task in TASKS:
        for name, figure in blocks[task].items():
            if name not in ("n", "undefined"):
                yield from _figure(place | {"task": task}, name, figure, blocks[task]["undefined"].get(name))
    calls = blocks["three_class"]
    for label in LABELS:
        row, why = calls["counts"][label], calls["undefined"].get(label)
        for called in LABELS:
            count = None if row is None else row[called]
            yield place | {"figure": f"{label} called {called}", "value": count, "undefined": why}
    yield from _figure(place, "three_class accuracy", calls["accuracy"], calls["undefined"].get("accuracy"))


def _figure(line: Line, name: str, figure: Mapping[str, Any] | None, why: str | None) -> Iterator[Line]:
    """One line for value, interval and counts, and one for each further number."""
    named = {**line, "figure": name, "undefined": why}
    if figure is None:
        yield named
        return
    yield named | {key: figure[key] for key in ("value", "low", "high", "k", "n") if key in figure}
    for key, value in figure.items():
        if key not in COLUMNS and isinstance(value, int | float):
            yield {**line, "figure": f"{name} {key}", "value": value}


def _round(record: Mapping[str, Any]) -> Iterator[Line]:
    place = {"stage": record["stage"], "round": record["round"]}
    yield place | {"figure": "seconds", "value": record["seconds"]}
    yield place | {
        "figure": "hospitals returned",
        "value": record["hospitals"]["returned"],
        "n": record["hospitals"]["asked"],
    }
    for name in _OF_ROUNDS:
        for task, value in record[name].items():
            why = "undefined in this round" if value is None else None
            yield place | {"role": "training", "task": task, "figure": name, "value": value, "undefined": why}
    for hospital, reply in record["train"].items():
        at = place | {"place": hospital, "role": "training"}
        yield at | {"figure": "requests", "value": reply["requests"], "undefined": reply["reason"]}
        for task, loss in reply["loss"].items():
            yield at | {"task": task, "figure": "loss", "value": loss}


def _subgroups(told: Mapping[str, Any]) -> Iterator[Line]:
    """Of each part the figures, and how many scans are told under none."""
    for group, found in told["groups"].items():
        for task in TASKS:
            line = {"place": "all", "role": _ROLES[group], "task": task}
            for part in found["parts"]:
                for name, figure in part[task].items():
                    why = part[task]["undefined"].get(name)
                    if name not in ("n", "undefined"):
                        yield from _figure(line, f"subgroup {part['part']} {name}", figure, why)
            yield line | {"figure": "subgroup none, scans", "value": found["untold"][task]}


def _comparison(compared: Mapping[str, Any]) -> Iterator[Line]:
    """The other study's figures, and this study's less those."""
    for group, tasks in compared["figures"].items():
        for task, figures in tasks.items():
            for name, sides in figures.items():
                line = {"place": "all", "role": _ROLES[group], "task": task}
                yield from _figure(line, f"other study {name}", sides["other"], sides["undefined"])
                yield from _figure(line, f"difference {name}", sides["difference"], sides["undefined"])
