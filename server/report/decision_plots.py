"""Decision curves: the net benefit of calling by the model, by the threshold of who calls."""

from collections.abc import Mapping
from typing import Any

from server.report.group_metrics import NO_SCAN
from server.report.svg import INK, MUTED, NETWORK_COLOURS, Plot, new_figure, styled, to_svg
from shared_model.constants import TASK_WORDS

Document = Mapping[str, Any]
_COLUMNS = ("task", "threshold", "net benefit of the model", "net benefit of calling all positive")


def decision_curves(document: Document) -> list[Plot]:
    """One per network, over the scans of the held-out hospitals."""
    with styled():
        return [_decision(document, network) for network in TASK_WORDS]


def _decision(document: Document, network: str) -> Plot:
    figure, axes = new_figure(3.4, 2.6)
    columns = document["curves"]["unseen"][network]["thresholds"]
    axes.axhline(0, color=MUTED, linewidth=1.2, linestyle=":")
    rows: list[tuple[Any, ...]] = []
    if columns is not None:
        x, model, every = (columns[key] for key in ("threshold", "net_benefit", "net_benefit_of_all"))
        axes.plot(x, every, "--", color=MUTED, linewidth=1.2, label="call all positive")
        axes.plot(x, model, color=NETWORK_COLOURS[network], label="call by the model")
        axes.plot([], [], ":", color=MUTED, linewidth=1.2, label="call none")
        axes.legend(loc="best", frameon=False, labelcolor=INK, fontsize=7.5)
        rows = [(network, *row) for row in zip(x, model, every, strict=True)]
    highest = max((row[2] for row in rows), default=1.0)
    axes.set(xlim=(0, 1), ylim=(-0.15 * max(highest, 0.1), 1.1 * max(highest, 0.1)))
    axes.set(xlabel="threshold probability", ylabel="net benefit")
    title = TASK_WORDS[network][0].upper() + TASK_WORDS[network][1:]
    name = f"decision-{network}"
    notes = () if rows else (f"undefined: {NO_SCAN}",)
    return Plot(name, title, _described(rows), to_svg(figure, name), (_COLUMNS, *rows), notes)


def _described(rows: list[tuple[Any, ...]]) -> str:
    if not rows:
        return f"undefined: {NO_SCAN}"
    better = [threshold for _, threshold, model, every in rows if model > max(every, 0.0)]
    if not better:
        return "the model is never better than calling all scans positive, or none"
    return f"the model is better than calling all or none at {len(better)} of {len(rows)} thresholds"
