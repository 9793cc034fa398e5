"""Writes report.json and report.html, a page without external files."""

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from server.report.plots import curves, roc_curves, stage_starts
from server.report.tables import TABLE_3, TABLE_4, area, calls_tables, metrics_table, percent
from shared_model.constants import LABEL_WORDS, TASK_WORDS
from shared_model.files import write_atomically
from shared_model.study_stage import StageConfig


@dataclass(frozen=True)
class Example:
    """An example scan with its picture. Phantoms only: a picture of a patient must not leave the hospital.

    label: the scan's label, one of constants.LABELS; verdict: the model's, in words; picture_png: any size;
    infected_percent: share of the lung as predicted, 0 to 100; true_infected_percent: as drawn into the
    phantom.
    """

    title: str
    label: str
    verdict: str
    picture_png: bytes
    infected_percent: float
    true_infected_percent: float

    @property
    def picture_url(self) -> str:
        return "data:image/png;base64," + base64.b64encode(self.picture_png).decode()


def write_report(folder: Path, document: Mapping[str, Any], examples: Sequence[Example]) -> None:
    """Write `report.json` and `report.html`, each atomically, into the existing `folder`.

    document: returned by `report_document`.
    """
    page = render(document, examples)
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_atomically(folder / "report.json", text.encode())
    write_atomically(folder / "report.html", page.encode())


def render(document: Mapping[str, Any], examples: Sequence[Example]) -> str:
    """The page as HTML; all text from `document` and `examples` is escaped."""
    environment = Environment(
        loader=PackageLoader("server.report"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    filters = {"percent": percent, "area": area, "flat": flat, "of_stages": of_stages, "timed": timed}
    environment.filters.update(filters)
    return environment.get_template("report.html.j2").render(
        document=document,
        css=resources.files("server.report").joinpath("templates", "report.css").read_text(),
        networks=TASK_WORDS,
        labels=LABEL_WORDS,
        headlines=[(task, words, document["pooled"]["unseen"][task]) for task, words in TASK_WORDS.items()],
        largest=max((_known(h["counts"]) for h in document["hospitals"]), default=0),
        curves=curves(document),
        stages=[name for _, name in stage_starts(document["rounds"])],
        tables=[
            ("table-3", 3, "Diseased or healthy", metrics_table(document, "diseased", TABLE_3)),
            ("table-4", 4, "COVID-19 or other pneumonia", metrics_table(document, "covid", TABLE_4)),
        ],
        calls=calls_tables(document),
        groups={"unseen": "held-out", "seen": "training"},
        rocs=roc_curves(document),
        examples=examples,
    )


def _known(counts: Mapping[str, int | None]) -> int:
    return sum(count for count in counts.values() if count is not None)


def setting(value: Any) -> str:
    """A setting's value as text."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {setting(part)}" for name, part in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)


def flat(settings: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested settings as (dotted.name, value), without the stages, which have their own table."""
    rows: list[tuple[str, str]] = []
    for name, value in settings.items():
        if isinstance(value, Mapping):
            rows += flat(value, f"{prefix}{name}.")
        elif name != "stages":
            rows.append((prefix + name, setting(value)))
    return rows


def of_stages(stages: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[str]]]:
    """(name, value in each stage) of the settings that any stage sets; the default in stages that do not."""
    fields = StageConfig.model_fields
    names = [name for name in fields if name != "name" and any(name in stage for stage in stages)]
    return [(name, [setting(stage.get(name, fields[name].default)) for stage in stages]) for name in names]


def timed(seconds: Iterable[tuple[str, float]]) -> list[tuple[str, str]]:
    """(step, duration as text), e.g. 8.4 s or 3 min 05 s."""
    return [(step, _duration(duration)) for step, duration in seconds]


def _duration(seconds: float) -> str:
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s"
