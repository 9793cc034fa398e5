"""The paper's Tables 3 and 4, with 95 % intervals, from report.json."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

UNDEFINED = "undefined"
Column = tuple[str, str]
"""Key of the figure in a task's block, and the column's heading."""

TABLE_3: tuple[Column, ...] = (
    ("accuracy", "Accuracy"),
    ("sensitivity_covid", "Sensitivity\nCOVID-19"),
    ("sensitivity_other", "Sensitivity\nother"),
    ("specificity", "Specificity\nhealthy"),
    ("auc", "AUC"),
)
TABLE_4: tuple[Column, ...] = (
    ("accuracy", "Accuracy"),
    ("sensitivity", "Sensitivity\nCOVID-19"),
    ("specificity", "Specificity\nother"),
    ("auc", "AUC"),
)
GROUPS = {
    "training": ("seen", "Training hospitals: test scans", "All training hospitals"),
    "held-out": ("unseen", "Held-out hospitals: all scans", "All held-out hospitals"),
}


@dataclass(frozen=True)
class Cell:
    """A formatted figure: value, interval and counts; or `undefined` and the note that says why."""

    path: str
    value: str
    interval: str = ""
    counted: str = ""
    note: int | None = None


@dataclass(frozen=True)
class Row:
    name: str
    scans: int
    cells: tuple[Cell, ...]
    is_total: bool = False


@dataclass(frozen=True)
class Group:
    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Table:
    """notes: reasons of undefined figures; note 1 is the first."""

    headings: tuple[str, ...]
    groups: tuple[Group, ...]
    notes: tuple[str, ...]


def percent(share: float) -> str:
    return f"{100 * share:.1f}"


def area(value: float) -> str:
    return f"{value:.3f}"


def metrics_table(document: Mapping[str, Any], task: str, columns: Sequence[Column]) -> Table:
    """The figures `columns` of `task` by hospital and pooled, training hospitals before held-out ones."""
    notes: dict[str, int] = {}

    def row(name: str, path: str, block: Mapping[str, Any], *, is_total: bool = False) -> Row:
        cells = tuple(_cell(f"{path}.{key}", block, key, notes) for key, _ in columns)
        return Row(name, block["n"], cells, is_total)

    groups = []
    for role, (pool, title, total) in GROUPS.items():
        rows = [
            row(hospital["name"], f"hospitals.{index}.{task}", hospital[task])
            for index, hospital in enumerate(document["hospitals"])
            if hospital["role"] == role
        ]
        if rows:
            rows.append(row(total, f"pooled.{pool}.{task}", document["pooled"][pool][task], is_total=True))
            groups.append(Group(title, tuple(rows)))
    return Table(tuple(heading for _, heading in columns), tuple(groups), tuple(notes))


def _cell(path: str, block: Mapping[str, Any], key: str, notes: dict[str, int]) -> Cell:
    figure = block[key]
    if figure is None:
        number = notes.setdefault(block["undefined"][key], len(notes) + 1)
        return Cell(path, UNDEFINED, note=number)
    formatted = area if key == "auc" else percent
    interval = f"{formatted(figure['low'])}–{formatted(figure['high'])}"
    counted = f"{figure['k']} of {figure['n']}" if figure["k"] is not None else f"{figure['n']} scans"
    return Cell(path, formatted(figure["value"]), interval, counted)
