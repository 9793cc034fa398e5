"""The coarse lungs that findings are laid into, and how places in them are chosen."""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from preprocessing.phantom.anatomy import LungMap
from preprocessing.phantom.lesions import Area, Floats, Mesh

_MOST_AREAS = 45

Rng = np.random.Generator
Place = NDArray[np.float64]  # (x, y, z) mm


def depth_in_slices(inside: NDArray[np.bool_], pixel_mm: float) -> Floats:
    """mm from each lung pixel to the nearest pixel of its slice that is not lung, [z, y, x]."""
    flat = inside.astype(np.uint8)
    return np.stack([cv2.distanceTransform(s, cv2.DIST_L2, 3) for s in flat]) * np.float32(pixel_mm)


@dataclass(frozen=True)
class Lungs:
    """One patient's lungs on a coarse mesh, free of disease, and their density."""

    mesh: Mesh
    lung_hu: float

    @staticmethod
    def of(lungs: LungMap, lung_hu: float) -> "Lungs":
        depth = depth_in_slices(lungs.side > 0, float(lungs.x[1] - lungs.x[0]))
        return Lungs(Mesh(lungs.z, lungs.y, lungs.x, lungs.side, depth), lung_hu)

    @cached_property
    def _points(self) -> tuple[NDArray[np.float64], NDArray[np.uint8], Floats]:
        """Every lung point (x, y, z), its side and its depth."""
        mesh = self.mesh
        k, j, i = np.nonzero(mesh.side)
        return np.column_stack([mesh.x[i], mesh.y[j], mesh.z[k]]), mesh.side[k, j, i], mesh.depth[k, j, i]

    def place(self, rng: Rng, side: int, *, low: float, back: float, edge_mm: float | None = None) -> Place:
        """A point of one lung; `low` and `back` pull it down and backwards, `edge_mm` to the chest wall.

        With `edge_mm` only points so near to the lung's edge are taken, those away from the middle first.
        """
        points, sides, depth = self._points
        size = np.abs(points).max(0)
        here = points[sides == side] / size
        pull = back * here[:, 1] - low * (here[:, 2] - here[:, 2].min()) * size[2] / np.ptp(points[:, 2])
        if edge_mm is not None:
            outward = np.abs(here[:, 0]) + np.abs(here[:, 1])
            pull += np.where(depth[sides == side] < edge_mm, 2.5 * outward, -np.inf)
        weight = np.cumsum(np.exp(pull))
        chosen = np.searchsorted(weight, rng.uniform(0, weight[-1]))
        place: Place = here[chosen] * size
        return place

    def either(self, rng: Rng) -> int:
        """One of the two sides."""
        return int(rng.integers(1, 3))


class Filling:
    """Areas added until a wanted share of the lungs is covered."""

    def __init__(self, lungs: Lungs) -> None:
        self._mesh = lungs.mesh
        self._covered = np.zeros(lungs.mesh.side.shape, bool)
        self._total = int((lungs.mesh.side > 0).sum())
        self.areas: list[Area] = []

    def add(self, area: Area) -> None:
        at, cover = area.cover(self._mesh)
        self._covered[at] |= cover > 0.5
        self.areas.append(area)

    def wants(self, share: float) -> bool:
        """Whether less than `share` of the lungs is covered (and there is no end of small areas)."""
        return float(self._covered.sum()) / self._total < share and len(self.areas) < _MOST_AREAS


def new_key(rng: Rng) -> int:
    """A key for an area's noise."""
    return int(rng.integers(1 << 30))
