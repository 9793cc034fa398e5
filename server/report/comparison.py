"""Two finished studies side by side: the same figures of both, and their differences with intervals."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from server.report.settings_table import flat, of_stages
from shared_model.constants import TASKS
from shared_model.errors import PneumofedError

Document = Mapping[str, Any]

FIGURES = ("within_auc", "auc", "accuracy", "sensitivity", "specificity")
GROUPS = ("unseen", "seen")


def read_report(path: Path) -> dict[str, Any]:
    """The report.json at `path`, or in the folder `path`.

    Raises PneumofedError `report-unreadable` for anything else, `report-partial` for one of a study that was
    not measured.
    """
    path = path / "report.json" if path.is_dir() else path
    try:
        document: dict[str, Any] = json.loads(path.read_bytes(), parse_constant=_no_number)
        comparison(document, document)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise PneumofedError(
            "report-unreadable",
            f"{path} is no report.json of this version; name the file that a report wrote",
        ) from error
    if document["partial"]:
        raise PneumofedError("report-partial", f"{path}: its study is not finished; compare it when it is")
    return document


def _no_number(constant: str) -> float:
    raise ValueError(f"{constant} is no figure")


def comparison(this: Document, other: Document) -> dict[str, Any]:
    """The document of report.json's `comparison`.

    Intervals take the two studies' scans as different ones. Where the same scans were measured in both, they
    are wider than need be, as what both models find hard does not cancel.
    """
    return {
        "study": dict(other["study"]),
        "dates": dict(other["dates"]),
        "weights_sha256": other["weights_sha256"],
        "hospitals": _hospitals(this, other),
        "figures": {
            group: {task: _figures(this["pooled"][group][task], other["pooled"][group][task])
                    for task in TASKS}
            for group in GROUPS
        },
        "settings": _settings(this["settings"], other["settings"]),
    }  # fmt: skip


def _figures(this: Document, other: Document) -> dict[str, Any]:
    """By figure: this study's, the other's, and this less the other with `low` and `high`, or why not."""
    return {
        name: {
            "this": _interval(this[name]),
            "other": _interval(other[name]),
            "difference": difference(this[name], other[name]),
            "undefined": _why(this, other, name),
        }
        for name in FIGURES
    }


def _interval(figure: Document | None) -> dict[str, Any] | None:
    return None if figure is None else {key: figure[key] for key in ("value", "low", "high", "n")}


def _why(this: Document, other: Document, name: str) -> str | None:
    sides = (("this study", this), ("the other", other))
    return "; ".join(f"{side}: {one['undefined'][name]}" for side, one in sides if one[name] is None) or None


def difference(this: Document | None, other: Document | None) -> dict[str, float] | None:
    """Of two independent figures, by variance recovery from their own intervals (Newcombe 1998, method 10;
    Zou and Donner 2008); None if one is undefined."""
    if this is None or other is None:
        return None
    value = this["value"] - other["value"]
    below = math.hypot(this["value"] - this["low"], other["high"] - other["value"])
    above = math.hypot(this["high"] - this["value"], other["value"] - other["low"])
    return {"value": value, "low": value - below, "high": value + above}


def _hospitals(this: Document, other: Document) -> dict[str, list[str]]:
    """Held-out hospitals in both studies, and in one only."""
    mine, theirs = ({h["name"] for h in one["hospitals"] if h["role"] == "held-out"} for one in (this, other))
    found = {"both": mine & theirs, "this": mine - theirs, "other": theirs - mine}
    return {where: sorted(names) for where, names in found.items()}


def _settings(this: Document, other: Document) -> list[list[str]]:
    """[name, value in this study, value in the other] of the settings that differ; "none" where there is
    no such setting. A stage's setting that is the same in all stages of both is left out."""
    mine, theirs = _by_name(this), _by_name(other)
    none = ("none",)
    return [
        [name, " | ".join(mine.get(name, none)), " | ".join(theirs.get(name, none))]
        for name in {**mine, **theirs}
        if name != "name" and _differ(mine.get(name, none), theirs.get(name, none))
    ]


def _by_name(settings: Document) -> dict[str, tuple[str, ...]]:
    """The value of a setting, or those of all stages."""
    found = {name: (value,) for name, value in flat(settings)}
    found["stages"] = tuple(stage["name"] for stage in settings["stages"])
    return found | {f"stages.{name}": tuple(values) for name, values in of_stages(settings["stages"])}


def _differ(mine: tuple[str, ...], theirs: tuple[str, ...]) -> bool:
    return mine != theirs and len({*mine, *theirs}) > 1
