"""Tubes in 3-D (vessels, airways) as straight segments, and their sections in a slice."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from preprocessing.phantom.painting import SHIFT, Frame, Points, UInt8Array

_CAP = np.linspace(-np.pi / 2, np.pi / 2, 6)


@dataclass(frozen=True)
class Tubes:
    """Straight tube segments: start and end [n, (x, y, z)] mm, radius [n] mm, strength [n] 0..1."""

    start: NDArray[np.float64]
    end: NDArray[np.float64]
    radius: NDArray[np.float64]
    strength: NDArray[np.float64]

    def widened(self, by_mm: float) -> "Tubes":
        return replace(self, radius=self.radius + by_mm)

    def section(self, z: float, thickness_mm: float) -> "TubeSections":
        """Sections of the segments in a slice at height `z` mm of a thickness in mm."""
        z0, z1 = self.start[:, 2], self.end[:, 2]
        reach = np.maximum(0.7 * self.radius, thickness_mm / 2)
        seen = np.flatnonzero((np.minimum(z0, z1) < z + reach) & (np.maximum(z0, z1) > z - reach))
        start, end, radius, reach = self.start[seen], self.end[seen], self.radius[seen], reach[seen]
        rise = end[:, 2] - start[:, 2]
        rise = np.where(np.abs(rise) < 1e-6, 1e-6, rise)
        at = np.stack([(z - reach - start[:, 2]) / rise, (z + reach - start[:, 2]) / rise])
        low, high = np.clip(at.min(0), 0, 1), np.clip(at.max(0), 0, 1)
        step = (end - start)[:, :2]
        inside = 2 * radius + np.abs(rise) * (high - low)
        share = np.minimum(inside / max(thickness_mm, 1e-3), 1)  # partial volume
        return TubeSections(
            seen, start[:, :2] + low[:, None] * step, start[:, :2] + high[:, None] * step, radius,
            self.strength[seen] * share,
        )  # fmt: skip


@dataclass(frozen=True)
class TubeSections:
    """Sections of tube segments in a slice: capsules from a to b [n, (x, y)] mm with radius [n] mm and
    strength [n].

    `piece` [n] is the index of the segment of each, ascending.
    """

    piece: NDArray[np.intp]
    a: Points
    b: Points
    radius: NDArray[np.float64]
    strength: NDArray[np.float64]

    def outlines(self, wider: float | NDArray[np.float64] = 0.0) -> NDArray[np.float64]:
        """Outlines [n, point, (x, y)] mm, with the radius increased by `wider` mm."""
        angle = np.arctan2(self.b[:, 1] - self.a[:, 1], self.b[:, 0] - self.a[:, 0])[:, None]
        radius = (self.radius + wider)[:, None, None]
        front = radius * np.stack([np.cos(angle + _CAP), np.sin(angle + _CAP)], -1)
        return np.concatenate([self.b[:, None] + front, self.a[:, None] - front], 1)

    def draw(self, canvas: UInt8Array, frame: Frame) -> None:
        """Draw the capsules, faintest first, in place; thinner than a pixel they get fainter."""
        thin = np.minimum(2 * self.radius / frame.pixel_mm / 1.3, 1)
        level = np.rint(255 * self.strength * thin).astype(int)
        outlines = frame.fixed(self.outlines())
        for i in np.argsort(level):
            if level[i] > 4:
                cv2.fillConvexPoly(canvas, outlines[i], int(level[i]), cv2.LINE_AA, SHIFT)


def concatenate_tubes(tubes: Sequence[Tubes]) -> Tubes:
    """The segments of several tubes, in order."""
    return Tubes(
        np.concatenate([t.start for t in tubes]),
        np.concatenate([t.end for t in tubes]),
        np.concatenate([t.radius for t in tubes]),
        np.concatenate([t.strength for t in tubes]),
    )


def polyline_tube(points: list[tuple[float, float, float]], radii: list[float]) -> Tubes:
    """A tube along a polyline of points (x, y, z) mm; `radii` has one per segment."""
    line = np.asarray(points, float)
    return Tubes(line[:-1], line[1:], np.asarray(radii, float), np.ones(len(radii)))
