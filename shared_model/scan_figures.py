"""Figures of one scan, from which its decision in closed form is computed (scan_head.py).

Each depends on this scan alone. Those of the set "infection-map" say how much is infected, where and in what
shape, relative to the patient's own lungs. Those of "law-free" say how much is infected in each third of the
height of the more and of the less infected lung, without a choice of what tells the diseases apart.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from shared_model.constants import TASKS, Task

FigureSet = Literal["infection-map", "law-free"]

COEFFICIENTS, CENTRE, INTERCEPT = (
    f"scan_decision.{name}" for name in ("coefficients", "centre", "intercept")
)
"""Names of the scan head's arrays in a network."""

Values = NDArray[np.float64]

_INFECTED = 0.5  # a patch is infected from this probability on (2.8)
# Added to shares before the logarithm: about one patch of a scan.
_LEAST_SHARE = 0.003
# Infection of this share of the lungs, spread like the lungs themselves, is added before its place is
# computed: a few false patches in healthy lungs have no place.
_PRIOR_SHARE = 0.002
_PRIOR_PATCHES = 5


@dataclass(frozen=True)
class Figure:
    """A figure's name, its unit, what it says, and the tasks that are decided by it."""

    name: str
    unit: str
    meaning: str
    tasks: tuple[Task, ...] = TASKS


FIGURES: dict[FigureSet, tuple[Figure, ...]] = {
    "infection-map": (
        Figure("infected share", "log10", "How much of both lungs is infected.", ("diseased",)),
        Figure(
            "less infected lung, lower third",
            "log10",
            "How much of the lower third of the less infected lung is infected: little if one lung alone is "
            "infected, or the upper lungs are.",
            ("covid",),
        ),
        Figure(
            "posterior",
            "share of the lung's depth",
            "How far behind the middle of the lungs the infection lies; negative: in front.",
            ("covid",),
        ),
        Figure(
            "raggedness",
            "edges per patch",
            "How many edges the infected areas have per infected patch: many if the infection is in small or "
            "ragged pieces, few if it is in one large piece.",
            ("covid",),
        ),
    ),
    "law-free": tuple(
        Figure(
            f"{lung} infected lung, {third} third",
            "log10",
            f"How much of the {third} third of the {lung} infected lung is infected.",
        )
        for lung in ("more", "less")
        for third in ("lower", "middle", "upper")
    ),
}
"""The figures of each set, in the order of the scan head's arrays."""


@dataclass(frozen=True)
class ScanLobes:
    """What the networks say of all lobes of a scan.

    slice_index, side (0 right, 1 left), area (pixels of lung): integers [lobe]; logits[task]: float [lobe];
    infection: float [lobe, 32, 32], the probability that a coarse patch is infected, None if the diseased
    network was not asked; in_lobe: bool [lobe, 32, 32], patches that contain a part of the lobe; slice_mm:
    distance of slices.
    """

    slice_index: NDArray[np.integer]
    side: NDArray[np.integer]
    area: NDArray[np.integer]
    logits: Mapping[Task, NDArray[np.floating]]
    infection: NDArray[np.floating] | None
    in_lobe: NDArray[np.bool_]
    slice_mm: float


def scan_figures(lobes: ScanLobes, figure_set: FigureSet) -> Values:
    """The figures of a scan, float64 [figure], in the order of FIGURES[figure_set]; always finite.

    Raises ValueError if the scan has no infection map, or one that is not finite.
    """
    if lobes.infection is None or not np.isfinite(lobes.infection).all():
        raise ValueError("a scan's figures need the diseased network's infection map, all of it finite")
    infected = (lobes.infection > _INFECTED) & lobes.in_lobe
    if figure_set == "law-free":
        return _by_thirds(lobes, infected)
    both = _share(lobes, infected, np.ones(len(lobes.side), np.bool_))
    less_low = _by_thirds(lobes, infected)[3]
    return np.array(
        [np.log10(both + _LEAST_SHARE), less_low, _posterior(lobes, infected), _raggedness(infected)]
    )


def _share(lobes: ScanLobes, infected: NDArray[np.bool_], chosen: NDArray[np.bool_]) -> float:
    """Infected share of the chosen lobes [lobe], weighted by their areas; 0 without any."""
    area = np.where(chosen, lobes.area, 0).astype(np.float64)
    of_lobe = infected.sum(axis=(1, 2)) / np.maximum(lobes.in_lobe.sum(axis=(1, 2)), 1)
    return float((area * of_lobe).sum() / max(area.sum(), 1.0))


def _posterior(lobes: ScanLobes, infected: NDArray[np.bool_]) -> float:
    """Mean row of infected patches minus that of all; rows are counted from 0 (front) to 1 (back)."""
    patches = np.maximum(lobes.in_lobe.sum(axis=(1, 2)), 1)
    weight = (lobes.area / patches)[:, None, None]
    relative = _rows(lobes.in_lobe)[:, :, None]
    lung = max(float((weight * lobes.in_lobe).sum()), 1.0)
    middle = float((weight * lobes.in_lobe * relative).sum()) / lung
    moved = float((weight * infected * (relative - middle)).sum())
    return moved / (float((weight * infected).sum()) + _PRIOR_SHARE * lung)


def _rows(in_lobe: NDArray[np.bool_]) -> Values:
    """The place of each row between a lobe's first (0) and last one (1), [lobe, 32]."""
    occupied = np.asarray(in_lobe.any(axis=2))
    rows = np.arange(in_lobe.shape[1], dtype=np.float64)
    first = occupied.argmax(axis=1)[:, None]
    last = len(rows) - 1 - occupied[:, ::-1].argmax(axis=1)[:, None]
    return (rows - first) / np.maximum(last - first, 1)


def _raggedness(infected: NDArray[np.bool_]) -> float:
    """Upper and left edges of infected areas, per infected patch."""
    padded = np.pad(infected, ((0, 0), (1, 0), (1, 0)))
    upper, left = padded[:, :-1, 1:], padded[:, 1:, :-1]
    edges = np.count_nonzero(infected & ~upper) + np.count_nonzero(infected & ~left)
    return edges / (np.count_nonzero(infected) + _PRIOR_PATCHES)


def _by_thirds(lobes: ScanLobes, infected: NDArray[np.bool_]) -> Values:
    """log10 of the infected share by third of height, low to high, of the more and of the less infected lung:
    float64 [6].
    """
    height = lobes.slice_index - lobes.slice_index.min()
    third = np.minimum(3 * height // (height.max() + 1), 2)
    shares = np.array(
        [[_share(lobes, infected, (lobes.side == s) & (third == t)) for t in range(3)] for s in (0, 1)]
    )
    whole = [_share(lobes, infected, lobes.side == side) for side in (0, 1)]
    order = [0, 1] if whole[0] >= whole[1] else [1, 0]
    return np.log10(shares[order].ravel() + _LEAST_SHARE)
