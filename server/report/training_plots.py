"""Training loss, validation accuracy and AUC over the rounds, of all hospitals together and of each."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from server.report.round_axes import FEW, Points, mark_stages, set_limits, write_values
from server.report.svg import MUTED, NETWORK_COLOURS, Plot, new_figure, styled, to_svg
from shared_model.constants import TASK_WORDS

# Line style and marker differ too, so that colour is not needed to tell the networks apart.
LINES = {"diseased": ("-", "o"), "covid": ("--", "s")}
Document = Mapping[str, Any]


def training_curves(document: Document) -> list[Plot]:
    """Training loss, validation accuracy and AUC within hospitals, both networks in each."""
    rounds: Sequence[Document] = document["rounds"]
    drawn = (("loss", "Training loss"), ("accuracy", "Validation accuracy"),
             ("within_auc", "Validation AUC within hospitals"))  # fmt: skip
    with styled():
        return [
            _plot(
                f"curve-{key}", title, document,
                {task: [(x, r[key].get(task)) for x, r in enumerate(rounds, 1)] for task in TASK_WORDS},
                is_share=key != "loss", marks_kept=True,
            )
            for key, title in drawn
        ]  # fmt: skip


def hospital_curves(document: Document) -> list[Plot]:
    """The training loss of each hospital that trains, all on one scale."""
    rounds: Sequence[Document] = document["rounds"]
    losses = [loss for r in rounds for reply in r["train"].values() for loss in reply["loss"].values()]
    if not losses:
        return []
    names = [h["name"] for h in document["hospitals"] if h["role"] == "training"]
    with styled():
        return [
            _plot(
                f"hospital-loss-{index}", name, document,
                {network: [(x, _loss(r, name, network)) for x, r in enumerate(rounds, 1)]
                 for network in TASK_WORDS},
                top=max(losses), width=1.9,
            )
            for index, name in enumerate(names)
        ]  # fmt: skip


def _loss(record: Document, hospital: str, network: str) -> float | None:
    reply = record["train"].get(hospital)
    return None if reply is None else reply["loss"].get(network)


def _plot(
    name: str,
    title: str,
    document: Document,
    values: Mapping[str, Sequence[tuple[int, float | None]]],
    *,
    is_share: bool = False,
    marks_kept: bool = False,
    top: float | None = None,
    width: float = 3.4,
) -> Plot:
    """values: by network, (round counted over all stages, value or None); top: the largest value drawn."""
    rounds: Sequence[Document] = document["rounds"]
    figure, axes = new_figure(width, 2.3 if width > 3 else 1.6)
    known = {network: [(x, y) for x, y in points if y is not None] for network, points in values.items()}
    for network, points in known.items():
        colour, (line, marker) = NETWORK_COLOURS[network], LINES[network]
        size = 5 if len(points) <= FEW else 3.2
        for part in _by_stage(rounds, points):
            axes.plot(*zip(*part, strict=True), line, marker=marker, markersize=size, color=colour)
        if marks_kept:
            for kept in _kept(document, network, points):
                axes.plot(*kept, "o", markersize=10, fillstyle="none", markeredgewidth=1.2, color=colour)
    if not any(known.values()):
        axes.text(0.5, 0.5, "no values", transform=axes.transAxes, ha="center", va="center", color=MUTED)
    highest = max((y for points in known.values() for _, y in points), default=1.0)
    set_limits(axes, len(rounds), is_share, highest if top is None else top)
    write_values(axes, known, (width - 0.4) / max(1, len(rounds)))
    mark_stages(axes, rounds)
    rows = [(rounds[x - 1]["stage"], rounds[x - 1]["round"], network, y)
            for network, points in known.items() for x, y in points]  # fmt: skip
    return Plot(
        name, title, _describe(known), to_svg(figure, name), (("stage", "round", "task", "value"), *rows)
    )


def _by_stage(rounds: Sequence[Document], points: Points) -> list[Points]:
    """Lines do not connect stages."""
    return [list(part) for _, part in groupby(points, key=lambda point: rounds[point[0] - 1]["stage"])]


def _kept(document: Document, network: str, points: Points) -> Points:
    """The points of the rounds whose weights were kept."""
    rounds, best = document["rounds"], document["best_rounds"]
    return [
        (x, y) for x, y in points
        if best.get(f"{rounds[x - 1]['stage']}/{network}") == rounds[x - 1]["round"]
    ]  # fmt: skip


def _describe(known: Mapping[str, Points]) -> str:
    parts = [
        f"{TASK_WORDS[network]}: from {points[0][1]:.3f} to {points[-1][1]:.3f} in {len(points)} rounds"
        for network, points in known.items()
        if points
    ]
    return "; ".join(parts) or "no values"
