"""Calibration curves: how often scans are positive that are given a probability."""

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes

from server.report.roc_plots import GROUPS
from server.report.svg import INK, MUTED, NETWORK_COLOURS, PAPER, RULE, Plot, new_figure, styled, to_svg
from shared_model.constants import TASK_WORDS

Document = Mapping[str, Any]
_COLUMNS = ("of", "task", "predicted", "share positive", "low", "high", "k", "n")


def calibration_curves(document: Document) -> list[Plot]:
    """One per network: groups of held-out scans with intervals, and those of training hospitals."""
    with styled():
        return [_calibration(document, network) for network in TASK_WORDS]


def _calibration(document: Document, network: str) -> Plot:
    figure, axes = new_figure(3.4, 3.2)
    axes.plot([0, 1], [0, 1], color=RULE, linewidth=1)
    descriptions, rows, notes = [], [], []
    for group, words in GROUPS.items():
        points = document["curves"][group][network]["calibration"]
        if points is None:
            why = document["pooled"][group][network]["undefined"]["calibration"]
            notes.append(f"{words}: undefined, {why}")
            continue
        _draw(axes, points, words, NETWORK_COLOURS[network] if group == "unseen" else None)
        keys = ("predicted", "value", "low", "high", "k", "n")
        rows += [(words, network, *(point[key] for key in keys)) for point in points]
        descriptions.append(f"{words}: {_described(document['pooled'][group][network])}")
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    axes.set(xlabel="predicted probability", ylabel="share of positive scans")
    if rows:
        axes.legend(loc="upper left", frameon=False, labelcolor=INK, fontsize=7.5)
    title = TASK_WORDS[network][0].upper() + TASK_WORDS[network][1:]
    name = f"calibration-{network}"
    described = "; ".join([*descriptions, *notes])
    return Plot(name, title, described, to_svg(figure, name), (_COLUMNS, *rows), tuple(notes))


def _draw(axes: Axes, points: list[Document], label: str, colour: str | None) -> None:
    """Held-out hospitals (with a `colour`) have intervals; training hospitals are a dashed line."""
    x, y = [point["predicted"] for point in points], [point["value"] for point in points]
    if colour is None:
        axes.plot(x, y, "--", marker="s", markersize=2.8, color=MUTED, linewidth=1, label=label)
        return
    low, high = [point["low"] for point in points], [point["high"] for point in points]
    axes.vlines(x, low, high, color=colour, linewidth=1, alpha=0.6)
    axes.plot(x, y, "-", marker="o", markersize=5, color=colour, markeredgecolor=PAPER, label=label)


def _described(block: Document) -> str:
    return ", ".join(
        f"{name} {block[f'calibration_{name}']['value']:.2f}"
        if block[f"calibration_{name}"]
        else f"{name} undefined"
        for name in ("intercept", "slope")
    )
