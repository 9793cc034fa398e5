"""The paper's Tables 3 and 4 with 95 % intervals, and the three-class table, from report.json."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from server.report.number_text import area, percent
from shared_model.constants import LABELS
from shared_model.quantity import quantity
from shared_model.subgroups import PART_WORDS

UNDEFINED = "undefined"
FIGURE_NAMES = {
    "within_auc": "AUC within hospitals", "auc": "pooled AUC", "accuracy": "accuracy",
    "sensitivity": "sensitivity", "specificity": "specificity",
}  # fmt: skip
Column = tuple[str, str]
"""Key of the figure in a task's block, and the column's heading."""

# The headline first. One hospital has one area: it stands in the first column.
AREAS: tuple[Column, ...] = (("within_auc", "AUC within\nhospitals"), ("auc", "Pooled\nAUC"))
TABLE_3: tuple[Column, ...] = (
    ("accuracy", "Accuracy"),
    ("sensitivity_covid", "Sensitivity\nCOVID-19"),
    ("sensitivity_other", "Sensitivity\nother"),
    ("specificity", "Specificity\nhealthy"),
    *AREAS,
)
TABLE_4: tuple[Column, ...] = (
    ("accuracy", "Accuracy"),
    ("sensitivity", "Sensitivity\nCOVID-19"),
    ("specificity", "Specificity\nother"),
    *AREAS,
)
GROUPS = {
    "training": ("seen", "Training hospitals: test scans", "All training hospitals"),
    "held-out": ("unseen", "Held-out hospitals: all scans", "All held-out hospitals"),
}


@dataclass(frozen=True)
class Cell:
    """A formatted figure: value, interval and counts; or `undefined` and the note that says why.

    path: where it is in report.json; None for a cell that stays empty.
    """

    path: str | None
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


EMPTY = Cell(None, "")
OF_ONE_HOSPITAL: dict[str, str | None] = {"within_auc": "auc", "auc": None}
"""Where the row of a hospital differs from that of a group: the figure shown under a column's key."""


def metrics_table(document: Mapping[str, Any], task: str, columns: Sequence[Column]) -> Table:
    """The figures `columns` of `task` by hospital and pooled, training hospitals before held-out ones."""
    notes: dict[str, int] = {}

    def row(name: str, path: str, block: Mapping[str, Any], *, is_total: bool = False) -> Row:
        keys = [key if is_total else OF_ONE_HOSPITAL.get(key, key) for key, _ in columns]
        cells = tuple(_cell(f"{path}.{key}", block, key, notes) if key else EMPTY for key in keys)
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


def subgroup_table(document: Mapping[str, Any], task: str, columns: Sequence[Column]) -> Table:
    """The figures `columns` of `task` by subgroup, and pooled over all scans, held-out hospitals first."""
    notes: dict[str, int] = {}
    groups = []
    for pool, title, total in reversed(GROUPS.values()):
        parts = document["subgroups"]["groups"][pool]["parts"]
        found = [
            (f"subgroups.groups.{pool}.parts.{index}.{task}", _part_name(part), part[task])
            for index, part in enumerate(parts)
            if part[task]["n"]
        ]
        if found:
            found.append((f"pooled.{pool}.{task}", total, document["pooled"][pool][task]))
            rows = tuple(
                Row(name, block["n"], _cells(path, block, columns, notes), path.startswith("pooled"))
                for path, name, block in found
            )
            groups.append(Group(title, rows))
    return Table(tuple(heading for _, heading in columns), tuple(groups), tuple(notes))


def _part_name(part: Mapping[str, Any]) -> str:
    return f"{PART_WORDS[part['part']]} ({quantity(len(part['hospitals']), 'hospital')})"


def _cells(
    path: str, block: Mapping[str, Any], columns: Sequence[Column], notes: dict[str, int]
) -> tuple[Cell, ...]:
    return tuple(_cell(f"{path}.{key}", block, key, notes) for key, _ in columns)


def _cell(path: str, block: Mapping[str, Any], key: str, notes: dict[str, int]) -> Cell:
    figure = block[key]
    if figure is None:
        number = notes.setdefault(block["undefined"][key], len(notes) + 1)
        return Cell(path, UNDEFINED, note=number)
    formatted = area if key in ("auc", "within_auc") else percent
    interval = f"{formatted(figure['low'])}–{formatted(figure['high'])}"
    counted = f"{figure['k']} of {figure['n']}" if figure["k"] is not None else f"{figure['n']} scans"
    return Cell(path, formatted(figure["value"]), interval, counted)


@dataclass(frozen=True)
class CallsRow:
    """counts: scans by called label, None if no scan of the true label was called; why says so then."""

    label: str
    counts: tuple[int, ...] | None
    total: int
    why: str


@dataclass(frozen=True)
class CallsTable:
    """True label by called label of one group of hospitals; accuracy: {value, low, high, k, n} or None."""

    group: str
    title: str
    rows: tuple[CallsRow, ...]
    accuracy: Mapping[str, Any] | None


def calls_tables(document: Mapping[str, Any]) -> list[CallsTable]:
    """The three-class table of held-out and of training hospitals."""
    titles = {"unseen": "Held-out hospitals", "seen": "Training hospitals, test scans"}
    return [_calls_table(document, group, title) for group, title in titles.items()]


def _calls_table(document: Mapping[str, Any], group: str, title: str) -> CallsTable:
    block = document["pooled"][group]["three_class"]
    rows = []
    for label in LABELS:
        row = block["counts"][label]
        counts = None if row is None else tuple(row[called] for called in LABELS)
        rows.append(CallsRow(label, counts, sum(counts or ()), block["undefined"].get(label, "")))
    return CallsTable(group, title, tuple(rows), block["accuracy"])
