"""The report as one HTML page without external files."""

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from server.report.figures import figures
from server.report.figures_csv import figures_csv
from server.report.incidents import incidents
from server.report.number_text import area, byte_text, decimal, percent, signed
from server.report.round_axes import stage_starts
from server.report.settings_table import flat, of_stages
from server.report.svg import csv_data_url
from server.report.tables import FIGURE_NAMES, TABLE_3, TABLE_4, calls_tables, metrics_table, subgroup_table
from server.report.threshold_chooser import chooser_json, threshold_rows
from shared_model.constants import LABEL_WORDS, TASK_WORDS
from shared_model.subgroups import DIVISION_WORDS


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


def render(document: Mapping[str, Any], examples: Sequence[Example]) -> str:
    """The page as HTML; all text from `document` and `examples` is escaped."""
    environment = Environment(
        loader=PackageLoader("server.report"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters.update({
        "percent": percent, "area": area, "flat": flat, "of_stages": of_stages, "timed": timed,
        "period": period, "floors": floors, "last_validated": last_validated, "bytes": byte_text,
        "named": named, "decimal": decimal, "signed": signed,
    })  # fmt: skip
    script = _template_text("report.js")
    return environment.get_template("report.html.j2").render(
        document=document,
        css=_template_text("report.css"),
        script=script,
        script_hash="sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        networks=TASK_WORDS,
        labels=LABEL_WORDS,
        headlines=[(task, words, document["pooled"]["unseen"][task]) for task, words in TASK_WORDS.items()],
        largest=max((_known(h["counts"]) for h in document["hospitals"]), default=0),
        plots=figures(document),
        stages=[name for _, name in stage_starts(document["rounds"])],
        tables=[
            (
                "table-3",
                "the paper's Table 3",
                "Diseased or healthy",
                metrics_table(document, "diseased", TABLE_3),
            ),
            (
                "table-4",
                "the paper's Table 4",
                "COVID-19 or other pneumonia",
                metrics_table(document, "covid", TABLE_4),
            ),
        ],
        division_words=DIVISION_WORDS,
        subgroup_tables=[]
        if document["subgroups"] is None
        else [
            ("subgroups-diseased", "Diseased or healthy", subgroup_table(document, "diseased", TABLE_3)),
            ("subgroups-covid", "COVID-19 or other pneumonia", subgroup_table(document, "covid", TABLE_4)),
        ],
        calls=calls_tables(document),
        figure_names=FIGURE_NAMES,
        groups={"unseen": "held-out", "seen": "training"},
        incidents=incidents(document),
        chooser=chooser_json(document),
        thresholds={task: threshold_rows(document, "unseen", task) for task in TASK_WORDS},
        figures_csv_url=csv_data_url(figures_csv(document)),
        examples=examples,
    )


def _template_text(name: str) -> str:
    return resources.files("server.report").joinpath("templates", name).read_text()


def named(hospitals: Sequence[Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    """The hospital of this name, with its `index`."""
    return next({**one, "index": index} for index, one in enumerate(hospitals) if one["name"] == name)


def period(dates: Mapping[str, str | None]) -> str:
    """When the study ran, as it follows the page's kind; empty if that is not known."""
    known = [date[:16].replace("T", " ") for date in (dates["started"], dates["ended"]) if date is not None]
    return f" · {' to '.join(known)} UTC" if known else ""


def floors(document: Mapping[str, Any]) -> str:
    """The floors in force, in a sentence."""
    by_floor: dict[int, list[str]] = {}
    for hospital in document["hospitals"]:
        by_floor.setdefault(hospital["count_floor"], []).append(hospital["name"])
    if not by_floor:
        return "No hospital took part."
    if set(by_floor) == {1}:
        return "Every hospital told of all its patients: no floor was in force."
    if len(by_floor) == 1:
        return f"Every hospital told of a class only from {next(iter(by_floor))} patients on."
    parts = (f"{', '.join(names)} from {floor}" for floor, names in sorted(by_floor.items()))
    return f"Hospitals told of a class only from so many patients on: {'; '.join(parts)}."


def last_validated(document: Mapping[str, Any], task: str) -> Mapping[str, Any] | None:
    """The last round whose validation defines the area of `task`; None if there is none."""
    found = [record for record in document["rounds"] if record["within_auc"].get(task) is not None]
    return found[-1] if found else None


def _known(counts: Mapping[str, int | None]) -> int:
    return sum(count for count in counts.values() if count is not None)


def timed(seconds: Iterable[tuple[str, float]]) -> list[tuple[str, str]]:
    """(step, duration as text), e.g. 8.4 s or 3 min 05 s."""
    return [(step, _duration(duration)) for step, duration in seconds]


def _duration(seconds: float) -> str:
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s"
