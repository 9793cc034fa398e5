"""Tubes of the mediastinum: aorta, pulmonary arteries, veins, oesophagus, trachea, main bronchi."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from preprocessing.phantom.chest import Chest
from preprocessing.phantom.painting import Shape
from preprocessing.phantom.tube_segments import Tubes, concatenate_tubes, polyline_tube

_WALL_MM = 1.5
_AIR_HU, _WALL_HU = -990.0, 25.0


def _vessels(chest: Chest) -> list[tuple[Tubes, float]]:
    """(tubes, HU) in painting order."""
    blood, d = chest.blood_hu, chest.depth
    low, top = chest.base - 40, chest.apex + 60
    oesophagus = polyline_tube([(8, 0.3 * d, low), (4, 0.32 * d, 10), (2, 0.3 * d, top)], [6, 6])
    aorta = polyline_tube(
        [(10, 0.46 * d, low), (20, 0.5 * d, -60), (24, 0.46 * d, 0), (20, 0.38 * d, 36), (10, 2, 52),
         (-6, -20, 40), (-9, -24, 20), (-4, -20, -18)],
        [11.5, 12, 12.5, 13, 14, 15.5, 16],
    )  # fmt: skip
    vessels = [aorta]
    vessels += [
        polyline_tube([(sign * 8, 0, -18), (sign * 34, 12, -16)], [8]) for sign in (-1, 1)
    ]  # pulmonary veins
    vessels.append(
        polyline_tube([(18, -22, 10), (-8, -4, 8), (-34, 0, 4)], [11, 10])
    )  # right pulmonary artery
    vessels.append(polyline_tube([(12, -34, -16), (20, -24, 12), (30, 2, 20), (44, 14, 14)], [14, 12, 10]))
    vessels.append(
        polyline_tube([(-25, -14, -35), (-25, -16, 40), (-24, -20, 62), (-34, -12, top)], [9, 8.5, 7])
    )
    vessels.append(polyline_tube([(-24, -20, 56), (12, -30, 66), (34, -14, top)], [6.5, 6]))
    heads = ((-6, -14, -16, -4, 6.0), (4, -4, 14, 2, 4.5), (12, 6, 30, 8, 5.0))
    vessels += [polyline_tube([(x0, y0, 48), (x1, y1, top)], [r]) for x0, y0, x1, y1, r in heads]
    return [(oesophagus, 30.0), *((tubes, blood) for tubes in vessels)]


def _trachea(chest: Chest) -> Tubes:
    """The trachea and the two main bronchi (lumen)."""
    pipe = polyline_tube([(-2, -4, chest.apex + 60), (-2, 8, 60), (0, 14, 24)], [8.8, 8.8])
    right = polyline_tube([(0, 14, 24), (-22, 12, 4), (-40, 12, -8), (-48, 18, -26)], [7, 6, 4.6])
    left = polyline_tube([(0, 14, 24), (24, 16, 2), (42, 16, -8), (50, 24, -24)], [6.6, 5.6, 4.4])
    return concatenate_tubes([pipe, right, left])


@dataclass(frozen=True)
class Mediastinum:
    """All tubes of one patient in painting order, with HU [n] and added radius in mm [n] per segment."""

    tubes: Tubes
    hu: NDArray[np.float64]
    wider: NDArray[np.float64]

    @staticmethod
    def from_chest(chest: Chest) -> "Mediastinum":
        """Great vessels and airways of `chest`; tracheal air is painted last."""
        pipe = _trachea(chest)
        parts = [(tubes, hu, 0.0) for tubes, hu in _vessels(chest)]
        parts += [(pipe, _WALL_HU, _WALL_MM), (pipe, _AIR_HU, 0.0)]
        sizes = [len(tubes.radius) for tubes, _, _ in parts]
        return Mediastinum(
            concatenate_tubes([tubes for tubes, _, _ in parts]),
            np.repeat([hu for _, hu, _ in parts], sizes),
            np.repeat([wider for _, _, wider in parts], sizes),
        )

    def shapes(self, z: float) -> list[Shape]:
        """Their shapes in a thin slice at height `z` mm."""
        cuts = self.tubes.section(z, 0.0)
        outlines = cuts.outlines(self.wider[cuts.piece])
        return [Shape((o,), float(hu)) for o, hu in zip(outlines, self.hu[cuts.piece], strict=True)]
