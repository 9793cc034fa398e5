"""Separates right from left lung in each slice, also where they touch, by a path of minimal cost."""

import numpy as np
from numpy.typing import NDArray

from preprocessing.image_ops import dilate, disc_kernel

_JUNCTION_MM = 5.0  # voxels this near to both lungs are the pleura between them
_STRIP_MM = 55.0  # largest distance of the midline from the middle column
_BOTH_SIDES = 0.05  # share on the smaller side from which a component is two touching lungs
_STRAIGHT = 0.002  # cost per column of distance from the middle; a pixel of lung costs 1 to 2


def left_of_midline(
    images: NDArray[np.uint16],
    lung: NDArray[np.bool_],
    middle: int,
    threshold: int,
    spacing_mm: tuple[float, float, float],
) -> NDArray[np.bool_]:
    """The left lung's side of each slice, bool [slice, row, column]: at and beyond the midline.

    The midline runs from front to back and moves at most one column per row. Its cost is lowest outside
    lung, and within lung where it is brightest: at the pleura between touching lungs. `images` uint16 and
    `lung` bool are [slice, row, column]; `middle` is the column around which it is searched; grey values
    from `threshold` on are tissue.
    """
    reach = round(_STRIP_MM / spacing_mm[2])
    start, stop = max(0, middle - reach), min(lung.shape[2], middle + reach + 1)
    darkness = 1 - np.minimum(images[:, :, start:stop], threshold) / np.float32(threshold)
    beside = np.abs(np.arange(start, stop) - middle) * np.float32(_STRAIGHT)
    cost = np.where(lung[:, :, start:stop], 1 + darkness, 0) + beside
    path = start + _min_cost_paths(cost.astype(np.float32))
    return np.asarray(np.arange(lung.shape[2]) >= path[:, :, np.newaxis])


def middle_column(airway: NDArray[np.bool_], body: NDArray[np.bool_]) -> int:
    """Column of the patient's middle: the mean of the airway if there is one, else the middle of the body.

    Lungs are not used, as one of them may be airless. `airway` and `body` are bool [slice, row, column].
    """
    columns = np.flatnonzero(body.any(axis=(0, 1)))
    if airway.any():
        return round(float(np.mean(np.nonzero(airway)[2])))
    return int(columns[0] + columns[-1]) // 2 if columns.size else body.shape[2] // 2


def off_midline(
    line: NDArray[np.int64], side: int, distance: NDArray[np.float64] | float, columns: int
) -> NDArray[np.bool_]:
    """Voxels of one side at least `distance` pixels off the midline, bool [slice, row, column].

    `line` int64 [slice, row] is the first column left of the midline; `distance` is one for all, or float64
    [slice, row]. The column next to the midline is at distance 0.
    """
    column = np.arange(columns)
    if side == 1:
        return np.asarray(column <= (line - 1 - distance)[:, :, np.newaxis])
    return np.asarray(column >= (line + distance)[:, :, np.newaxis])


def split_into_sides(objects: NDArray[np.uint8], left: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Lung labels 1 (right) and 2 (left) of 3-D components; only one that holds both lungs is split."""
    sizes, on_left = np.zeros(256, np.int64), np.zeros(256, np.int64)
    for image, beyond in zip(objects, left, strict=True):
        sizes += np.bincount(image.ravel(), minlength=256)
        on_left += np.bincount(image[beyond], minlength=256)
    share = on_left / np.maximum(sizes, 1)
    whole = np.where(share > 0.5, 2, 1).astype(np.uint8)
    whole[0] = 0
    both = np.minimum(share, 1 - share) >= _BOTH_SIDES
    both[0] = False
    return np.where(both[objects], left + np.uint8(1), whole[objects]).astype(np.uint8)


def between_lungs(sides: NDArray[np.uint8], pixel_mm: float) -> NDArray[np.bool_]:
    """Voxels between and near both lungs, bool [slice, row, column]."""
    disc = disc_kernel(max(1, round(_JUNCTION_MM / pixel_mm)))
    return np.stack([dilate(image == 1, disc) & dilate(image == 2, disc) & (image == 0) for image in sides])


def _min_cost_paths(cost: NDArray[np.float32]) -> NDArray[np.int64]:
    """Column of the minimal cost path in each row, int64 [slice, row]; `cost` is float32 [slice, row,
    column].
    """
    slices, rows, columns = cost.shape
    total = cost[:, 0].copy()
    steps = np.zeros((rows, slices, columns), np.int8)
    border = np.full((slices, 1), np.inf, np.float32)
    for row in range(1, rows):
        choices = np.stack(
            [total, np.hstack([border, total[:, :-1]]), np.hstack([total[:, 1:], border])]
        )  # from the same column, from its left, from its right
        best = np.argmin(choices, axis=0)
        steps[row] = np.array([0, -1, 1], np.int8)[best]
        total = np.take_along_axis(choices, best[np.newaxis], axis=0)[0] + cost[:, row]
    path = np.empty((slices, rows), np.int64)
    path[:, -1] = np.argmin(total, axis=1)
    every = np.arange(slices)
    for row in range(rows - 1, 0, -1):
        path[:, row - 1] = path[:, row] + steps[row, every, path[:, row]]
    return path
