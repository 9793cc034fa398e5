"""The whole scan in one picture: a coronal view, and the findings at each height."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgba
from numpy.typing import NDArray

from client.diagnosis.captions import HEAD, MARGIN, write_footer, write_verdict
from client.diagnosis.diagnosis import Diagnosis
from client.diagnosis.plotting import BOX, INK, MUTED, SIDE_COLOURS, WINDOW, Canvas, label
from client.diagnosis.slice_ranking import RankedSlice, worst_slices
from preprocessing.lungs.lobes import SIDES

_BELOW, _LEFT = 128, 84
_WIDTH, _HEIGHT = 560, 520  # of the view from the front, at most


def overview_picture(diagnosis: Diagnosis) -> bytes:
    """A coronal view, infected area and lobe probability over the height, feet below, as PNG."""
    ranked = worst_slices(diagnosis)
    width, height = _front_size(diagnosis)
    canvas = Canvas.of(1350, HEAD + height + _BELOW)
    front = canvas.axes(_LEFT, HEAD, width, height)
    _draw_front(front, diagnosis)
    area = canvas.axes(_LEFT + 600, HEAD, 300, height)
    _draw_area(area, diagnosis)
    probability = canvas.axes(_LEFT + 940, HEAD, 300, height)
    _draw_probability(probability, diagnosis)
    for axes in (front, area, probability):
        _mark_slices(axes, diagnosis, ranked, named=axes is front)
        axes.set_ylim(*_heights_mm(diagnosis))
    canvas.text(MARGIN, 14, "The whole scan, feet below", 14, fontweight="bold")
    canvas.text(MARGIN, 44, "Left: seen from the front, redder where more of the depth is infected", 10)
    canvas.text(MARGIN, 66, "Dotted lines: the slices to look at first", 10)
    write_verdict(canvas, diagnosis)
    write_footer(canvas, diagnosis)
    return canvas.png()


def _heights_mm(diagnosis: Diagnosis) -> tuple[float, float]:
    half = diagnosis.scan.spacing_mm[0] / 2
    return float(diagnosis.scan.z_mm[0] - half), float(diagnosis.scan.z_mm[-1] + half)


def _front_size(diagnosis: Diagnosis) -> tuple[int, int]:
    """Width and height in pixels of the view from the front, equal scale both ways."""
    low, high = _heights_mm(diagnosis)
    width_mm = diagnosis.scan.images.shape[2] * diagnosis.scan.spacing_mm[2]
    scale = min(_WIDTH / width_mm, _HEIGHT / (high - low))
    return round(width_mm * scale), round((high - low) * scale)


def _draw_front(axes: Axes, diagnosis: Diagnosis) -> None:
    """Mean of the lung window over the lungs' depth; infected depth in red."""
    width = diagnosis.scan.images.shape[2] * diagnosis.scan.spacing_mm[2]
    extent = (0.0, width, *_heights_mm(diagnosis))
    axes.imshow(_front_view(diagnosis), cmap="gray", extent=extent, origin="lower", aspect="auto")
    depth = diagnosis.infected.sum(axis=1) * diagnosis.scan.spacing_mm[1]
    red = LinearSegmentedColormap.from_list("infected", [(*to_rgba(BOX)[:3], 0.0), (*to_rgba(BOX)[:3], 0.85)])
    axes.imshow(
        depth,
        cmap=red,
        vmin=0,
        vmax=max(40.0, float(depth.max())),
        extent=extent,
        origin="lower",
        aspect="auto",
    )
    axes.set_xticks([])
    axes.set_ylabel("height z in mm")
    for letter, x in (("R", 0.025), ("L", 0.975)):
        label(axes, x, 0.5, letter, transform=axes.transAxes, va="center", fontsize=10)


def _front_view(diagnosis: Diagnosis) -> NDArray[np.float32]:
    """float32 [slice, column]: mean of the rows between the lungs' front and back."""
    rows = np.flatnonzero((diagnosis.sides > 0).any(axis=(0, 2)))
    within = slice(int(rows[0]), int(rows[-1]) + 1)
    low, high = WINDOW
    images = (np.clip(image[within].astype(np.float32), low, high) for image in diagnosis.scan.images)
    return np.stack([image.mean(axis=0) for image in images])


def _draw_area(axes: Axes, diagnosis: Diagnosis) -> None:
    """Infected area of each lobe in cm2."""
    lobes, slice_cm = diagnosis.lobes, diagnosis.scan.spacing_mm[0] / 10
    for side, name in enumerate(SIDES):
        _draw_side(axes, diagnosis, name, np.where(lobes.side == side, lobes.infected_ml / slice_cm, np.nan))
    axes.set_xlim(0, max(1.0, 1.08 * float(lobes.infected_ml.max()) / slice_cm))
    axes.set_xlabel("infected area in cm²")
    _tidy(axes)
    axes.legend(loc="upper right", frameon=False, fontsize=9, labelcolor="linecolor")


def _draw_probability(axes: Axes, diagnosis: Diagnosis) -> None:
    """Softened probability of each lobe (eq. 2), and the scan's operating point if these decide."""
    lobes, decide = diagnosis.lobes, diagnosis.is_decided_by_lobes("diseased")
    if decide:
        point = diagnosis.scores["diseased"].operating_point
        axes.axvline(point, color=MUTED, linestyle="--", linewidth=1)
    for side, name in enumerate(SIDES):
        _draw_side(axes, diagnosis, name, np.where(lobes.side == side, lobes.diseased, np.nan))
    axes.set_xlim(-0.02, 1.02)
    axes.set_xlabel("P(diseased) of a lobe" + ("; dashed: operating point" if decide else ""))
    _tidy(axes)


def _draw_side(axes: Axes, diagnosis: Diagnosis, name: str, values: NDArray[np.float64]) -> None:
    """One lung's values [lobe] over the height, with gaps in slices without it."""
    line = np.full(len(diagnosis.scan.z_mm), np.nan)
    chosen = ~np.isnan(values)
    line[diagnosis.lobes.slice_index[chosen]] = values[chosen]
    style, colour = {"right": "-", "left": "--"}[name], SIDE_COLOURS[name]
    axes.plot(line, diagnosis.scan.z_mm, linestyle=style, color=colour, label=f"{name} lung", linewidth=1.6)


def _tidy(axes: Axes) -> None:
    axes.set_yticklabels([])
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color=MUTED, alpha=0.25, linewidth=0.5)


def _mark_slices(axes: Axes, diagnosis: Diagnosis, ranked: list[RankedSlice], *, named: bool) -> None:
    for one in ranked:
        height = diagnosis.scan.z_mm[one.slice]
        axes.axhline(height, color=INK, linestyle=":", linewidth=0.9)
        if named:
            place = axes.get_yaxis_transform()
            axes.text(1.01, height, str(one.rank), transform=place, va="center", color=INK)
