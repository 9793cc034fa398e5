"""Finds the lobes of a scan (2.3); a lobe is the paper's word for one lung in one slice."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from preprocessing.crop import Box
from preprocessing.lungs.consistent_lobes import consistent_lungs
from preprocessing.lungs.paper_lobes import paper_lungs

SIDES = ("right", "left")  # side 0 lies at the image's left
LobeMethod = Literal["consistent", "paper"]


@dataclass(frozen=True)
class Lobe:
    """One lobe: `side` indexes SIDES, `mask` is bool [row1 - row0, column1 - column0] inside `box`."""

    slice: int
    side: int
    box: Box
    mask: NDArray[np.bool_]

    @property
    def area(self) -> int:
        """Pixels of the mask."""
        return int(np.count_nonzero(self.mask))


def find_lobes(
    images: NDArray[np.uint16], spacing_mm: tuple[float, float, float], *, method: LobeMethod = "consistent"
) -> list[Lobe]:
    """Lobes of a scan, sorted by (slice, side).

    `images` is uint16 [slice, row, column] after 2.2, 0 (air) to 2048; `spacing_mm` (slice, row, column).
    Method `paper` segments each slice alone, literally as in 2.3; `consistent` uses the whole scan. The
    list is empty if there are no lungs.
    """
    lungs = paper_lungs(images) if method == "paper" else consistent_lungs(images, spacing_mm)
    return [lobe for number, sides in enumerate(lungs) for lobe in _lobes_of(number, sides)]


def _lobes_of(number: int, sides: NDArray[np.uint8]) -> list[Lobe]:
    """Lobes of slice `number` from its lung labels, uint8 [row, column]: 0 none, 1 right, 2 left lung."""
    found = []
    for side in range(len(SIDES)):
        mask = sides == side + 1
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        if rows.size:
            box = (int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)
            found.append(Lobe(number, side, box, mask[box[0] : box[2], box[1] : box[3]].copy()))
    return found
