"""Forest plots: the AUC inside each hospital, within the group, and where the next hospital's is expected."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes

from server.report.svg import INK, MUTED, NETWORK_COLOURS, RULE, Plot, new_figure, styled, to_svg
from shared_model.constants import TASK_WORDS

Document = Mapping[str, Any]
Interval = Mapping[str, float]

_ROLES = {
    "unseen": ("held-out", "Held-out hospitals"),
    "seen": ("training", "Training hospitals, test scans"),
}
_ROW_INCHES = 0.31


@dataclass(frozen=True)
class _Row:
    """A line of the plot. kind: title, hospital, group or next; figure: None if undefined, and `why`."""

    kind: str
    name: str
    figure: Interval | None = None
    why: str = ""


def forest_plots(document: Document) -> list[Plot]:
    """One per network: hospitals by role, held-out ones first."""
    with styled():
        return [_forest(document, network) for network in TASK_WORDS]


def _rows(document: Document, network: str) -> list[_Row]:
    rows = []
    for group, (role, title) in _ROLES.items():
        members = [hospital for hospital in document["hospitals"] if hospital["role"] == role]
        if members:
            block = document["pooled"][group][network]
            rows.append(_Row("title", title))
            rows += [_row("hospital", one["name"], one[network], "auc") for one in members]
            rows.append(_row("group", "within these hospitals", block, "within_auc"))
            rows.append(_row("next", "the next hospital", block, "next_hospital"))
    return rows


def _row(kind: str, name: str, block: Document, figure: str) -> _Row:
    return _Row(kind, name, block[figure], block["undefined"].get(figure, ""))


def _forest(document: Document, network: str) -> Plot:
    rows = _rows(document, network)
    figure, axes = new_figure(3.6, 0.5 + _ROW_INCHES * max(1, len(rows)))
    axes.axvline(0.5, color=MUTED, linewidth=0.8, linestyle=":")
    for place, row in enumerate(rows):
        _draw(axes, place, row, NETWORK_COLOURS[network])
    axes.set(xlim=(0, 1), ylim=(max(1, len(rows)) - 0.3, -0.6), yticks=[])
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("AUC inside a hospital, 95 % interval (0.5: chance)")
    title = TASK_WORDS[network][0].upper() + TASK_WORDS[network][1:]
    name = f"forest-{network}"
    columns = ("kind", "name", "task", "value", "low", "high")
    drawn = [row for row in rows if row.kind != "title"]
    table = [(row.kind, row.name, network, *_numbers(row.figure)) for row in drawn]
    described = "; ".join(f"{row.name} {_words(row)}" for row in drawn) or "no hospital"
    notes = tuple(f"{row.name}: undefined, {row.why}" for row in drawn if row.figure is None)
    return Plot(name, title, described, to_svg(figure, name), (columns, *table), notes)


def _draw(axes: Axes, place: int, row: _Row, colour: str) -> None:
    """The name and the figure in words above the interval, so that long names fit on a phone."""
    is_title, ink = row.kind == "title", MUTED if row.kind in ("title", "next") else INK
    weight = "bold" if row.kind in ("title", "group") else "normal"
    text: dict[str, Any] = {"va": "bottom", "fontsize": 7.5, "color": ink, "fontweight": weight}
    axes.text(0, place, row.name, ha="left", **text)
    if is_title:
        axes.axhline(place + 0.02, color=RULE, linewidth=0.8)
        return
    axes.text(1, place, _words(row), ha="right", **text)
    if row.figure is None:
        return
    y, value, low, high = place + 0.22, row.figure["value"], row.figure["low"], row.figure["high"]
    if row.kind == "next":
        axes.plot([low, high], [y, y], color=MUTED, linewidth=3, alpha=0.6, solid_capstyle="butt")
        return
    marker, width = ("D", 2.6) if row.kind == "group" else ("s", 1.4)
    axes.plot([low, high], [y, y], color=colour, linewidth=width, solid_capstyle="butt")
    axes.plot(value, y, marker=marker, markersize=5, color=colour)


def _words(row: _Row) -> str:
    if row.figure is None:
        return "undefined"
    value, low, high = _numbers(row.figure)
    limits = f"{low:.3f} to {high:.3f}"
    return f"expected {limits}" if row.kind == "next" else f"{value:.3f} ({limits})"


def _numbers(figure: Interval | None) -> tuple[Any, Any, Any]:
    return ("", "", "") if figure is None else (figure["value"], figure["low"], figure["high"])
