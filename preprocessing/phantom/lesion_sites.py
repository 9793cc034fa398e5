"""Chooses where lesions lie: random points of a lung, and opacities up to a wanted share of it."""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from preprocessing.phantom.anatomy import LungMap
from preprocessing.phantom.lesions import Mesh, Opacity
from preprocessing.phantom.painting import Float32Array

_MAX_OPACITIES = 45

Rng = np.random.Generator
Place = NDArray[np.float64]  # (x, y, z) mm


def depth_in_slices(inside: NDArray[np.bool_], pixel_mm: float) -> Float32Array:
    """Distance in mm of each lung pixel from the nearest non-lung pixel of its slice, float32 [z, y, x]."""
    flat = inside.astype(np.uint8)
    return np.stack([cv2.distanceTransform(s, cv2.DIST_L2, 3) for s in flat]) * np.float32(pixel_mm)


@dataclass(frozen=True)
class _Points:
    """Mesh points of one lung: position [n, (x, y, z)] mm; depth [n] mm; up 0..1, back -1..1, outward 0..2
    [n].
    """

    position: NDArray[np.float64]
    depth: Float32Array
    up: NDArray[np.float64]
    back: NDArray[np.float64]
    outward: NDArray[np.float64]

    @staticmethod
    def from_mesh(mesh: Mesh, side: int) -> "_Points":
        k, j, i = np.nonzero(mesh.side == side)
        x, y, z = mesh.x[i], mesh.y[j], mesh.z[k]
        across, back = x / np.abs(x).max(), y / np.abs(y).max()
        up = (z - z.min()) / np.ptp(z)
        outward = np.abs(across) + np.abs(back)
        return _Points(np.column_stack([x, y, z]), mesh.depth[k, j, i], up, back, outward)


@dataclass(frozen=True)
class Lungs:
    """One patient's healthy lungs on a coarse mesh, and their density."""

    mesh: Mesh
    lung_hu: float

    @staticmethod
    def from_lung_map(lungs: LungMap, lung_hu: float) -> "Lungs":
        depth = depth_in_slices(lungs.side > 0, float(lungs.x[1] - lungs.x[0]))
        return Lungs(Mesh(lungs.z, lungs.y, lungs.x, lungs.side, depth), lung_hu)

    @cached_property
    def _points(self) -> dict[int, "_Points"]:
        return {side: _Points.from_mesh(self.mesh, side) for side in (1, 2)}

    def random_point(
        self,
        rng: Rng,
        side: int,
        *,
        low: float,
        back: float,
        deep: float = 0.0,
        edge_mm: float | None = None,
    ) -> Place:
        """A random point of one lung, (x, y, z) mm; larger `low`, `back` and `deep` prefer caudal, posterior
        and central points.

        With `edge_mm`, only points this near to the lung's edge are drawn, preferring lateral ones.
        """
        points = self._points[side]
        pull = back * points.back - low * points.up + deep * points.depth / points.depth.max()
        if edge_mm is not None:
            pull += np.where(points.depth < edge_mm, 2.5 * points.outward, -np.inf)
        weight = np.cumsum(np.exp(pull))
        random_point: Place = points.position[np.searchsorted(weight, rng.uniform(0, weight[-1]))]
        return random_point

    def random_side(self, rng: Rng) -> int:
        """A random side: 1 right, 2 left."""
        return int(rng.integers(1, 3))


class LesionPlacer:
    """Collects opacities until they cover a wanted share of the lungs."""

    def __init__(self, lungs: Lungs) -> None:
        self._mesh = lungs.mesh
        self._covered = np.zeros(lungs.mesh.side.shape, bool)
        self._total = int((lungs.mesh.side > 0).sum())
        self.opacities: list[Opacity] = []

    def add(self, opacity: Opacity) -> None:
        """Add an opacity and its coverage."""
        position, cover = opacity.cover(self._mesh)
        self._covered[position] |= cover > 0.5
        self.opacities.append(opacity)

    def needs_more(self, share: float) -> bool:
        """Whether less than `share` of the lungs is covered, and there are fewer than _MAX_OPACITIES."""
        return float(self._covered.sum()) / self._total < share and len(self.opacities) < _MAX_OPACITIES


def noise_key(rng: Rng) -> int:
    """A random key of an opacity's noise."""
    return int(rng.integers(1 << 30))
