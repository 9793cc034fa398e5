"""Grows the branching vessels and airways of one lung towards random target points."""

import numpy as np
from numpy.typing import NDArray

from preprocessing.phantom.tube_segments import Tubes

_LEVELS = 16
_TWIG_MM = 0.36  # radius of a vessel that feeds one target point


def _means(values: NDArray[np.float64], group: NDArray[np.int64], groups: int) -> NDArray[np.float64]:
    count = np.bincount(group, minlength=groups)[:, None]
    sums = [np.bincount(group, values[:, k], groups) for k in range(values.shape[1])]
    return np.stack(sums, 1) / np.maximum(count, 1)


def grow_tree(
    root: NDArray[np.float64], targets: NDArray[np.float64], thickness: float, rng: np.random.Generator
) -> tuple[Tubes, NDArray[np.int64]]:
    """Grow a tree by recursive bisection of the targets; each branch heads for the mean of its half.

    root [(x, y, z)] and targets [n, (x, y, z)] in mm. Returns the branches and the number of targets each
    feeds. Radii follow from that number (Murray's law), scaled by `thickness`.
    """
    group = np.zeros(len(targets), np.int64)
    node = root[None, :]
    starts, ends, fed = [], [], []
    for level in range(_LEVELS):
        groups = len(node)
        count = np.bincount(group, minlength=groups)
        middle = _means(targets, group, groups)
        share = np.where(count == 1, 1.0, 0.42 if level else 0.3)[:, None]
        ahead = node + share * (middle - node)
        ahead = ahead + rng.normal(0, 0.07, ahead.shape) * np.linalg.norm(ahead - node, axis=1, keepdims=True)
        starts.append(node)
        ends.append(ahead)
        fed.append(count)
        turned = targets @ np.linalg.qr(rng.standard_normal((3, 3)))[0]
        centre = _means(turned, group, groups)
        spread = _means((turned - centre[group]) ** 2, group, groups)
        axis = spread.argmax(1)[group]
        upper = np.take_along_axis(turned - centre[group], axis[:, None], 1)[:, 0] > 0
        alive = count[group] > 1
        targets = targets[alive]
        if not len(targets):
            break
        kept, group = np.unique(2 * group[alive] + upper[alive], return_inverse=True)
        node = ahead[kept // 2]
    feeding = np.concatenate(fed)
    radius = np.asarray(thickness * _TWIG_MM * feeding**0.44, np.float64)
    return Tubes(np.concatenate(starts), np.concatenate(ends), radius, np.ones(len(radius))), feeding


def airways_beside(vessels: Tubes, feeding: NDArray[np.int64], *, least: int) -> Tubes:
    """Airway lumina beside the vessels that feed at least `least` targets."""
    kept = feeding >= least
    way = vessels.end[kept] - vessels.start[kept]
    side = np.cross(way, np.array([0.3, 0.5, 1.0]))
    side /= np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-6)
    radius = vessels.radius[kept]
    offset = side * (1.9 * radius[:, None] + 0.4)
    start, end = vessels.start[kept] + offset, vessels.end[kept] + offset
    return Tubes(start, end, 0.85 * radius, np.ones(len(radius)))
