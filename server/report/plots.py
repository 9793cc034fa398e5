"""Curves over the rounds and ROC curves, drawn from report.json."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from server.report.svg import INK, MUTED, NETWORK_COLOURS, PAPER, RULE, new_figure, styled, to_svg
from shared_model.constants import TASK_WORDS

# Line style and marker differ too, so that colour is not needed to tell the networks apart.
_LINES = {"diseased": ("-", "o"), "covid": ("--", "s")}
_GROUPS = {"unseen": "held-out hospitals", "seen": "training hospitals"}

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Plot:
    """title and description (for screen readers) are plain text; svg is an element to inline."""

    title: str
    description: str
    svg: str


def curves(document: Document) -> list[Plot]:
    """Training loss, validation accuracy and AUC within hospitals over the rounds, both networks in each."""
    with styled():
        return [
            _curve(document, "loss", "Training loss", None),
            _curve(document, "accuracy", "Validation accuracy", (0.0, 1.02)),
            _curve(document, "within_auc", "Validation AUC within hospitals", (0.0, 1.02)),
        ]


def _curve(document: Document, key: str, title: str, limits: tuple[float, float] | None) -> Plot:
    rounds: Sequence[Document] = document["rounds"]
    figure, axes = new_figure(3.4, 2.3)
    for network in TASK_WORDS:
        colour, (line, marker) = NETWORK_COLOURS[network], _LINES[network]
        for points in _points_by_stage(rounds, key, network):
            axes.plot(*zip(*points, strict=True), line, marker=marker, color=colour)
        for kept in _kept_rounds(document, key, network):
            axes.plot(*kept, marker="o", markersize=9, fillstyle="none", markeredgewidth=1.2, color=colour)
    _mark_stages(axes, rounds)
    if limits is not None:
        axes.set_ylim(*limits)
    # Room for a ring round the last point.
    axes.set_xlim(0.5, max(len(rounds), 1) + max(0.5, 0.03 * len(rounds)))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("round")
    return Plot(title, _describe_curve(rounds, key), to_svg(figure, f"curve-{key}"))


def _points_by_stage(rounds: Sequence[Document], key: str, network: str) -> list[list[tuple[int, float]]]:
    """Points (round counted over all stages, value) of each stage; lines do not connect stages."""
    stages = []
    for _, group in groupby(enumerate(rounds, start=1), key=lambda numbered: numbered[1]["stage"]):
        points = [(x, r[key][network]) for x, r in group if r[key].get(network) is not None]
        if points:
            stages.append(points)
    return stages


def _kept_rounds(document: Document, key: str, network: str) -> list[tuple[int, float]]:
    """The points of the rounds whose weights were kept."""
    return [
        (x, r[key][network])
        for x, r in enumerate(document["rounds"], start=1)
        if document["best_rounds"].get(f"{r['stage']}/{network}") == r["round"]
        and r[key].get(network) is not None
    ]


def stage_starts(rounds: Sequence[Document]) -> list[tuple[int, str]]:
    """(first round, counted over all stages; name) of each stage."""
    return [
        (x, r["stage"])
        for x, r in enumerate(rounds, start=1)
        if x == 1 or rounds[x - 2]["stage"] != r["stage"]
    ]


def _mark_stages(axes: Axes, rounds: Sequence[Document]) -> None:
    starts = stage_starts(rounds)
    if len(starts) == 1:
        return
    for number, (start, _) in enumerate(starts, start=1):
        if number > 1:
            axes.axvline(start - 0.5, color=MUTED, linewidth=0.8, linestyle=":")
        above = axes.get_xaxis_transform()
        axes.text(start - 0.45, 1.02, str(number), transform=above, color=MUTED, fontsize=7)


def _describe_curve(rounds: Sequence[Document], key: str) -> str:
    parts = []
    for network, words in TASK_WORDS.items():
        values = [r[key][network] for r in rounds if r[key].get(network) is not None]
        if values:
            parts.append(f"{words}: from {values[0]:.3f} to {values[-1]:.3f} in {len(values)} rounds")
    return "; ".join(parts) or "no values"


def roc_curves(document: Document) -> list[Plot]:
    """One ROC plot per network: held-out and training hospitals, with the operating point."""
    with styled():
        return [_roc(document, network) for network in TASK_WORDS]


def _roc(document: Document, network: str) -> Plot:
    figure, axes = new_figure(3.4, 3.2)
    axes.plot([0, 1], [0, 1], color=RULE, linewidth=1)
    descriptions = []
    for group, words in _GROUPS.items():
        points, area = document["roc"][group][network], document["pooled"][group][network]["auc"]
        if points is None:
            descriptions.append(f"{words}: undefined")
            continue
        held_out = group == "unseen"
        colour = NETWORK_COLOURS[network] if held_out else MUTED
        label = f"{words}, pooled AUC {area['value']:.3f}"
        axes.plot(*zip(*points, strict=True), color=colour, linestyle="-" if held_out else "--", label=label)
        descriptions.append(label)
        _mark_operating_point(axes, document["pooled"][group][network], colour)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    axes.set(xlabel="1 − specificity", ylabel="sensitivity")
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="lower right", frameon=False, labelcolor=INK, fontsize=7.5)
    title = TASK_WORDS[network][0].upper() + TASK_WORDS[network][1:]
    return Plot(title, "; ".join(descriptions), to_svg(figure, f"roc-{network}"))


def _mark_operating_point(axes: Axes, block: Document, colour: str) -> None:
    x, y = 1 - block["specificity"]["value"], block["sensitivity"]["value"]
    axes.plot(x, y, marker="o", markersize=6, color=colour, markeredgecolor=PAPER, linestyle="none", zorder=5)
