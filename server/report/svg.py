"""matplotlib figures as inline SVG that uses the colours and fonts of the page."""

import base64
import csv
import io
import re
import warnings
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Placeholder colours, replaced by the page's CSS variables so that one figure serves light and dark mode.
INK, MUTED, RULE, PAPER = "#010101", "#020202", "#030303", "#040404"
NETWORK_COLOURS = {"diseased": "#050505", "covid": "#060606"}
_VARIABLES = {
    INK: "--ink", MUTED: "--muted", RULE: "--rule", PAPER: "--paper",
    NETWORK_COLOURS["diseased"]: "--diseased", NETWORK_COLOURS["covid"]: "--covid",
}  # fmt: skip

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "pneumofed",  # equal figures give equal files
    "text.parse_math": False,
    "font.size": 8,
    "text.color": INK,
    "axes.edgecolor": RULE,
    "axes.labelcolor": MUTED,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": RULE,
    "grid.linewidth": 0.5,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "lines.linewidth": 1.6,
    "lines.markersize": 3.2,
}


@dataclass(frozen=True)
class Plot:
    """A figure of the page.

    name: makes its ids unique and names its files; title and description (for screen readers): plain text;
    svg: an element to inline; rows: what is drawn, the columns' names first; notes: why parts are undefined.
    """

    name: str
    title: str
    description: str
    svg: str
    rows: tuple[Sequence[Any], ...]
    notes: tuple[str, ...] = ()

    @property
    def csv_url(self) -> str:
        """The rows as a CSV file in a data URL."""
        return csv_data_url(_csv_text(self.rows))


def csv_data_url(text: str) -> str:
    return "data:text/csv;charset=utf-8;base64," + base64.b64encode(text.encode()).decode()


def _csv_text(rows: Iterable[Sequence[Any]]) -> str:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(rows)
    return file.getvalue()


def styled() -> AbstractContextManager[None]:
    """Context in which figures are drawn in the page's style."""
    return mpl.rc_context(_STYLE)


def new_figure(width: float, height: float) -> tuple[Figure, Axes]:
    """A figure of `width` x `height` inches with one pair of axes; call it, and draw, within `styled()`."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def to_svg(figure: Figure, name: str) -> str:
    """The figure as an `<svg>` element to inline; `name` makes its ids unique on the page."""
    buffer = io.StringIO()
    with warnings.catch_warnings():
        # The page's font draws the text, so glyphs missing in matplotlib's font do not matter.
        warnings.filterwarnings("ignore", message="Glyph")
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", svg, flags=re.DOTALL)
    view_box = re.search(r'viewBox="[^"]+"', svg)
    if view_box is None:
        raise ValueError("matplotlib wrote an SVG without a viewBox")
    svg = re.sub(
        r"<svg[^>]*>", f'<svg {view_box.group()} aria-hidden="true" focusable="false">', svg, count=1
    )
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'(href="|url\()#', rf"\g<1>#{name}-", svg)
    for placeholder, variable in _VARIABLES.items():
        svg = svg.replace(placeholder, f"var({variable})")
    return svg
