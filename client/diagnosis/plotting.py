"""Drawing that all pictures of a scan share: figures measured in pixels, CT slices in millimetres."""

import io
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from client.diagnosis.diagnosis import Diagnosis
from client.diagnosis.infected_boxes import infected_boxes

DPI = 100
BACKGROUND, INK, MUTED = "#101418", "#f2f4f5", "#9aa5ad"
CAUTION = "#ffb066"
BOX, TRUTH, OUTLINE = "#ff3b30", "#5ee65e", "#2fd5ff"
SIDE_COLOURS = {"right": "#f5b942", "left": "#62b5ff"}
# Perceptually uniform; opacity grows with attention, so that tissue without attention stays visible.
_COLOURS = mpl.colormaps["inferno"](np.linspace(0.15, 1, 256))
_COLOURS[:, 3] = np.linspace(0.1, 0.75, 256)
ATTENTION_MAP = ListedColormap(_COLOURS)
_EDGED = [withStroke(linewidth=2.5, foreground=BACKGROUND)]

# The lung window, centre -600 HU and width 1500 HU, on the scale of 2.2 where air (-1000 HU) is 0.
WINDOW = (-600 - 750 + 1000, -600 + 750 + 1000)
_SCALE_BAR_MM = 50.0

_STYLE: dict[Any, Any] = {
    "font.size": 9,
    "text.parse_math": False,
    "text.color": INK,
    "axes.facecolor": BACKGROUND,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "figure.facecolor": BACKGROUND,
    "savefig.facecolor": BACKGROUND,
}


@dataclass(frozen=True)
class Canvas:
    """A figure of `width` x `height` pixels; everything is placed by pixels from its upper left corner."""

    figure: Figure
    width: int
    height: int

    @classmethod
    def of(cls, width: int, height: int) -> "Canvas":
        with mpl.rc_context(_STYLE):
            return cls(Figure(figsize=(width / DPI, height / DPI), dpi=DPI), width, height)

    def axes(self, left: int, top: int, width: int, height: int) -> Axes:
        """Axes that cover the given pixels."""
        x, y = left / self.width, 1 - (top + height) / self.height
        with mpl.rc_context(_STYLE):
            return self.figure.add_axes((x, y, width / self.width, height / self.height))

    def text(self, left: int, top: int, words: str, size: float = 9, **style: Any) -> None:
        """`words` with their upper left corner (or as `style` says) at the pixel; size in points."""
        shown: dict[str, Any] = {"color": INK, "va": "top", "parse_math": False, "fontsize": size}
        self.figure.text(left / self.width, 1 - top / self.height, words, **shown | style)

    def png(self) -> bytes:
        buffer = io.BytesIO()
        with mpl.rc_context(_STYLE):
            fast = {"compress_level": 1}  # a fifth larger than at the default, in a quarter of the time
            self.figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None}, pil_kwargs=fast)
        return buffer.getvalue()


def extent_mm(diagnosis: Diagnosis) -> tuple[float, float, float, float]:
    """left, right, bottom, top of a slice in mm from its upper left corner."""
    _, rows, columns = diagnosis.scan.images.shape
    return 0.0, columns * diagnosis.scan.spacing_mm[2], rows * diagnosis.scan.spacing_mm[1], 0.0


def draw_slice(axes: Axes, diagnosis: Diagnosis, index: int) -> None:
    """The slice in the lung window with orientation letters and a scale bar."""
    axes.set_axis_off()
    low, high = WINDOW
    axes.imshow(
        diagnosis.scan.images[index], cmap="gray", vmin=low, vmax=high, extent=extent_mm(diagnosis),
        interpolation="bilinear",
    )  # fmt: skip
    # Rows run front to back, columns from the patient's right to the left.
    for letter, x, y in (("A", 0.5, 0.975), ("P", 0.5, 0.025), ("R", 0.025, 0.5), ("L", 0.975, 0.5)):
        label(axes, x, y, letter, transform=axes.transAxes, va="center", fontsize=10)
    _draw_scale_bar(axes, diagnosis)


def _draw_scale_bar(axes: Axes, diagnosis: Diagnosis) -> None:
    _, width, height, _ = extent_mm(diagnosis)
    right, bottom = 0.97 * width, 0.965 * height
    ends = [right - _SCALE_BAR_MM, right]
    axes.plot(ends, [bottom, bottom], color=INK, linewidth=2, solid_capstyle="butt", path_effects=_EDGED)
    above = bottom - 0.008 * height
    label(axes, right - _SCALE_BAR_MM / 2, above, f"{_SCALE_BAR_MM:.0f} mm", va="bottom", fontsize=8)


def label(axes: Axes, x: float, y: float, words: str, **style: Any) -> None:
    """Text that is legible on bright and on dark tissue."""
    axes.text(x, y, words, ha="center", color=INK, path_effects=_EDGED, **style)


def draw_boxes(axes: Axes, diagnosis: Diagnosis, index: int) -> None:
    """Red boxes round the infected regions (Fig. 3), one pixel wider on each side."""
    _, row_mm, column_mm = diagnosis.scan.spacing_mm
    for row0, column0, row1, column1 in infected_boxes(diagnosis.infected[index], (row_mm, column_mm)):
        corner = ((column0 - 1) * column_mm, (row0 - 1) * row_mm)
        width, height = (column1 - column0 + 2) * column_mm, (row1 - row0 + 2) * row_mm
        axes.add_patch(Rectangle(corner, width, height, fill=False, edgecolor=BOX, linewidth=1.8))


def draw_outline(axes: Axes, diagnosis: Diagnosis, region: NDArray[np.bool_], colour: str) -> None:
    """The outline of `region`, bool [row, column]."""
    if not region.any():
        return
    # The contour runs through pixel centres, so half a pixel is added on each side.
    rows, columns = ((np.arange(length) + 0.5) * step for length, step in
                     zip(region.shape, diagnosis.scan.spacing_mm[1:], strict=True))  # fmt: skip
    axes.contour(columns, rows, region.astype(np.float32), levels=[0.5], colors=colour, linewidths=1.1)


def draw_attention(axes: Axes, diagnosis: Diagnosis, index: int) -> ScalarMappable:
    """The diseased network's attention over the slice, inside the lobes only.

    The scale runs from 0 to the scan's greatest.
    """
    scale = Normalize(0.0, float(diagnosis.lobes.attention["diseased"].max()))
    attention = np.ma.masked_invalid(diagnosis.attention("diseased", index))
    axes.imshow(
        attention, cmap=ATTENTION_MAP, norm=scale, extent=extent_mm(diagnosis), interpolation="nearest"
    )
    return ScalarMappable(scale, ATTENTION_MAP)


def draw_colour_bar(canvas: Canvas, scale: ScalarMappable, axes: Axes) -> None:
    """The colour scale of `draw_attention` on its own `axes`."""
    bar = canvas.figure.colorbar(scale, cax=axes, label="attention of a patch")
    bar.outline.set_visible(False)
    axes.yaxis.label.set_color(INK)
    axes.tick_params(colors=MUTED, size=0)
