"""Tables 3 and 4 of the paper, with 95 % intervals: what report.json says, laid out for people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

UNDEFINED = "undefined"
Column = tuple[str, str]
"""Key of the figure in a task's block, heading."""

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
    "training": ("seen", "Hospitals that trained: their test scans", "All that trained"),
    "held-out": ("unseen", "Held-out hospitals: all their scans", "All held out"),
}


@dataclass(frozen=True)
class Cell:
    """A figure in words: value, interval, what was counted; or `undefined` and the note that says why."""

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
    """notes: the reasons of undefined figures, in the order of their numbers from 1."""

    headings: tuple[str, ...]
    groups: tuple[Group, ...]
    notes: tuple[str, ...]


def percent(share: float) -> str:
    return f"{100 * share:.1f}"


def area(value: float) -> str:
    return f"{value:.3f}"


def metrics_table(document: Mapping[str, Any], task: str, columns: Sequence[Column]) -> Table:
    """The figures `columns` of `task`, hospital by hospital and pooled, trained ones before held-out ones."""
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
    words = area if key == "auc" else percent
    interval = f"{words(figure['low'])}–{words(figure['high'])}"
    counted = f"{figure['k']} of {figure['n']}" if figure["k"] is not None else f"{figure['n']} scans"
    return Cell(path, words(figure["value"]), interval, counted)
