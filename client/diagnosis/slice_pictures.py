"""Pictures for the radiologist, after Fig. 3 of the paper, without name, date or identifier."""

import numpy as np
from numpy.typing import NDArray

from client.diagnosis.captions import HEAD, MARGIN, write_footer, write_verdict
from client.diagnosis.coronal_summary import overview_picture
from client.diagnosis.diagnosis import Diagnosis
from client.diagnosis.plotting import (
    MUTED,
    OUTLINE,
    TRUTH,
    Canvas,
    draw_attention,
    draw_boxes,
    draw_colour_bar,
    draw_outline,
    draw_slice,
)
from client.diagnosis.slice_ranking import RankedSlice, worst_slices

OVERVIEW = "overview.png"
_PANEL = 620
_FOOT, _SCALE = 56, 90


def pictures(diagnosis: Diagnosis) -> dict[str, bytes]:
    """All pictures of a scan as PNG, by file name: overview.png, and slice-01.png (the worst) and so on."""
    slices = {slice_file(ranked): slice_picture(diagnosis, ranked) for ranked in worst_slices(diagnosis)}
    return {OVERVIEW: overview_picture(diagnosis), **slices}


def slice_file(ranked: RankedSlice) -> str:
    """The file name of a worst slice's picture."""
    return f"slice-{ranked.rank:02d}.png"


def slice_picture(diagnosis: Diagnosis, ranked: RankedSlice) -> bytes:
    """One slice as PNG: infected regions in red boxes, beside it the attention map, the verdict above."""
    canvas = Canvas.of(2 * _PANEL + 3 * MARGIN + _SCALE, HEAD + _PANEL + _FOOT)
    left = canvas.axes(MARGIN, HEAD, _PANEL, _PANEL)
    draw_slice(left, diagnosis, ranked.slice)
    draw_boxes(left, diagnosis, ranked.slice)
    right = canvas.axes(2 * MARGIN + _PANEL, HEAD, _PANEL, _PANEL)
    draw_slice(right, diagnosis, ranked.slice)
    scale = draw_attention(right, diagnosis, ranked.slice)
    draw_outline(right, diagnosis, diagnosis.infected[ranked.slice], OUTLINE)
    bar = canvas.axes(canvas.width - _SCALE - MARGIN + 16, HEAD + _PANEL // 4, 14, _PANEL // 2)
    draw_colour_bar(canvas, scale, bar)
    _write_head(canvas, diagnosis, ranked)
    write_verdict(canvas, diagnosis)
    write_footer(canvas, diagnosis)
    return canvas.png()


def _write_head(canvas: Canvas, diagnosis: Diagnosis, ranked: RankedSlice) -> None:
    slices = len(diagnosis.scan.images)
    canvas.text(MARGIN, 14, f"Slice to look at first: {ranked.rank}", 14, fontweight="bold")
    z_mm = diagnosis.scan.z_mm[ranked.slice]
    place = f"z = {z_mm:.1f} mm · slice {ranked.slice + 1} of {slices} from the feet"
    canvas.text(MARGIN, 44, f"{place} · {_of_slice(diagnosis, ranked.slice)}", 10)
    boxes = "Red boxes: infected regions" if diagnosis.infected[ranked.slice].any() else "No infected region"
    canvas.text(MARGIN, HEAD - 22, boxes, 9, color=MUTED)
    words = "Colour: attention · blue line: predicted infected area"
    canvas.text(2 * MARGIN + _PANEL, HEAD - 22, words, 9, color=MUTED)


def _of_slice(diagnosis: Diagnosis, index: int) -> str:
    infected = float(diagnosis.lobes.infected_ml[list(diagnosis.lobes.at(index))].sum())
    return f"{infected:.1f} ml infected here" if infected > 0 else "nothing infected found here"


def example_picture(diagnosis: Diagnosis, truth_infection: NDArray[np.bool_] | None) -> bytes:
    """One slice for a report as PNG: unmarked, with the model's boxes and map, and with the true outline.

    truth_infection: bool [slice, row, column] as the scan; without it the third panel is left out. The slice
    is the worst one; if the model found nothing, the one with most true infection.
    """
    index = _example_slice(diagnosis, truth_infection)
    panel, head = 360, 26
    titles = ["the scan", "the model: boxes, infected area, attention"]
    titles += ["the truth"] if truth_infection is not None else []
    canvas = Canvas.of(len(titles) * (panel + 8) - 8, head + panel)
    panels = [canvas.axes(number * (panel + 8), head, panel, panel) for number in range(len(titles))]
    for number, (axes, title) in enumerate(zip(panels, titles, strict=True)):
        draw_slice(axes, diagnosis, index)
        canvas.text(number * (panel + 8) + 4, 6, title, 9)
    draw_attention(panels[1], diagnosis, index)
    draw_outline(panels[1], diagnosis, diagnosis.infected[index], OUTLINE)
    draw_boxes(panels[1], diagnosis, index)
    if truth_infection is not None:
        draw_outline(panels[2], diagnosis, truth_infection[index], TRUTH)
    return canvas.png()


def _example_slice(diagnosis: Diagnosis, truth: NDArray[np.bool_] | None) -> int:
    if truth is not None and truth.any() and not diagnosis.infected.any():
        return int(truth.sum(axis=(1, 2)).argmax())
    return worst_slices(diagnosis, shown=1)[0].slice
