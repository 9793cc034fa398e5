"""Axes whose x is the round, counted over all stages: limits, ticks, stages, and values of few points."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from matplotlib.axes import Axes

from server.report.svg import MUTED, NETWORK_COLOURS

FEW = 4
"""Up to so many values of a network are written beside its points."""
VALUE_INCHES = 0.36
MOST_TICKS = 8

Document = Mapping[str, Any]
Points = list[tuple[int, float]]


def stage_starts(rounds: Sequence[Document]) -> list[tuple[int, str]]:
    """(first round, counted over all stages; name) of each stage."""
    return [
        (x, r["stage"])
        for x, r in enumerate(rounds, start=1)
        if x == 1 or rounds[x - 2]["stage"] != r["stage"]
    ]


def set_limits(axes: Axes, rounds: int, is_share: bool, top: float) -> None:
    """A tick for every round, or every n-th; a scale from 0, so that noise does not look like change."""
    last = max(rounds, 1)
    axes.set_xlim(0.5, last + max(0.5, 0.03 * last))
    step = -(-last // MOST_TICKS)
    axes.set_xticks(range(step, last + 1, step) if step > 1 else range(1, last + 1))
    axes.set_ylim(0, 1.05 if is_share else 1.15 * max(top, 1e-9))
    axes.set_xlabel("round")


def write_values(axes: Axes, known: Mapping[str, Points], inches_a_round: float) -> None:
    """The values beside points that are so few that a curve hardly shows, where there is room for them."""
    heights = {network: sum(y for _, y in points) for network, points in known.items() if points}
    highest = max(heights, key=heights.__getitem__, default=None)
    for network, points in known.items():
        for x, y in points if _have_room(points, inches_a_round) else ():
            above = network == highest
            axes.annotate(
                f"{y:.2f}", (x, y), xytext=(0, 6 if above else -6), textcoords="offset points",
                ha="center", va="bottom" if above else "top", fontsize=7, color=NETWORK_COLOURS[network],
            )  # fmt: skip


def _have_room(points: Points, inches_a_round: float) -> bool:
    gaps = [after - before for (before, _), (after, _) in pairwise(points)]
    return len(points) <= FEW and min(gaps, default=1) * inches_a_round >= VALUE_INCHES


def mark_stages(axes: Axes, rounds: Sequence[Document]) -> None:
    """Each stage's number, and a dotted line before it, if there are several."""
    starts = stage_starts(rounds)
    if len(starts) == 1:
        return
    for number, (start, _) in enumerate(starts, start=1):
        if number > 1:
            axes.axvline(start - 0.5, color=MUTED, linewidth=0.8, linestyle=":")
        above = axes.get_xaxis_transform()
        axes.text(start - 0.45, 1.02, str(number), transform=above, color=MUTED, fontsize=7)
