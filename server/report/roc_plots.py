"""ROC curves: of groups of hospitals, a plot for each network, and of each hospital."""

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes

from server.report.svg import INK, MUTED, NETWORK_COLOURS, PAPER, RULE, Plot, new_figure, styled, to_svg
from server.report.training_plots import LINES
from shared_model.constants import TASK_WORDS

GROUPS = {"unseen": "held-out hospitals", "seen": "training hospitals"}

Document = Mapping[str, Any]
_COLUMNS = ("of", "task", "false positive rate", "true positive rate")


def roc_curves(document: Document) -> list[Plot]:
    """One plot per network: held-out and training hospitals pooled, with the operating point."""
    with styled():
        return [_pooled(document, network) for network in TASK_WORDS]


def hospital_roc_curves(document: Document) -> list[Plot]:
    """One small plot per hospital with both networks, held-out hospitals first; undefined curves are left
    out of it."""
    indexed = list(enumerate(document["hospitals"]))
    ordered = sorted(indexed, key=lambda pair: pair[1]["role"] == "training")
    with styled():
        return [_hospital(document, index, hospital) for index, hospital in ordered]


def _pooled(document: Document, network: str) -> Plot:
    figure, axes = new_figure(3.4, 3.2)
    descriptions, rows, notes = [], [], []
    _frame(axes)
    for group, words in GROUPS.items():
        points, block = document["roc"][group][network], document["pooled"][group][network]
        if points is None:
            notes.append(f"{words}: undefined, {block['undefined']['auc']}")
            continue
        held_out = group == "unseen"
        colour = NETWORK_COLOURS[network] if held_out else MUTED
        label = f"{words}, pooled AUC {block['auc']['value']:.3f}"
        axes.plot(*zip(*points, strict=True), color=colour, linestyle="-" if held_out else "--", label=label)
        descriptions.append(label)
        rows += [(words, network, *point) for point in points]
        _mark_operating_point(axes, block, colour)
    axes.set(xlabel="1 − specificity", ylabel="sensitivity")
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="lower right", frameon=False, labelcolor=INK, fontsize=7.5)
    title = TASK_WORDS[network][0].upper() + TASK_WORDS[network][1:]
    name = f"roc-{network}"
    described = "; ".join([*descriptions, *notes])
    return Plot(name, title, described, to_svg(figure, name), (_COLUMNS, *rows), tuple(notes))


def _hospital(document: Document, index: int, hospital: Document) -> Plot:
    figure, axes = new_figure(1.9, 1.85)
    descriptions, rows = [], []
    _frame(axes)
    for network, words in TASK_WORDS.items():
        points = document["curves"]["hospitals"][hospital["name"]][network]["roc"]
        if points is None:
            descriptions.append(f"{words}: undefined, {hospital[network]['undefined']['auc']}")
            continue
        axes.plot(*zip(*points, strict=True), LINES[network][0], color=NETWORK_COLOURS[network])
        _mark_operating_point(axes, hospital[network], NETWORK_COLOURS[network])
        descriptions.append(f"{words}: AUC {hospital[network]['auc']['value']:.3f}")
        rows += [(hospital["name"], network, *point) for point in points]
    if not rows:
        axes.text(0.5, 0.5, "undefined", ha="center", va="center", color=MUTED, style="italic")
    axes.set(xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
    name, described = f"roc-hospital-{index}", "; ".join(descriptions)
    return Plot(name, hospital["name"], described, to_svg(figure, name), (_COLUMNS, *rows))


def _frame(axes: Axes) -> None:
    axes.plot([0, 1], [0, 1], color=RULE, linewidth=1)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")


def _mark_operating_point(axes: Axes, block: Document, colour: str) -> None:
    x, y = 1 - block["specificity"]["value"], block["sensitivity"]["value"]
    axes.plot(x, y, marker="o", markersize=6, color=colour, markeredgecolor=PAPER, linestyle="none", zorder=5)
