"""Trachea and main bronchi, followed from the top of the scan downwards."""

import numpy as np
from numpy.typing import NDArray

from preprocessing.image_ops import Objects, objects_of

_LEAST_MM2, _MOST_MM2 = 30.0, 700.0  # cross-section of the trachea or of both main bronchi
_MIDDLE = 0.18  # the trachea's centre lies within this share of the width from the middle


def find_airway(inside: NDArray[np.bool_], spacing_mm: tuple[float, float, float]) -> NDArray[np.bool_]:
    """Airway outside the lungs, bool [slice, row, column].

    `inside` bool [slice, row, column], feet to head, is dark and not open to the image border. An object
    of a slice is airway if it continues the airway of the slice above, or starts it near the middle, and
    is small; where it has grown into a lung it is not followed on.
    """
    pixel_mm2 = spacing_mm[1] * spacing_mm[2]
    airway = np.zeros_like(inside)
    above = np.zeros(inside.shape[1:], np.bool_)
    for number in range(len(inside) - 1, -1, -1):
        objects = objects_of(inside[number], connectivity=4)
        areas = objects.areas * pixel_mm2
        small = (areas >= _LEAST_MM2) & (areas <= _MOST_MM2)
        small[0] = False
        touched = np.zeros(len(areas), np.bool_)
        touched[np.unique(objects.numbers[above])] = True
        chosen = small & touched
        if not chosen.any() and not airway[number + 1 :].any():
            chosen = small & _may_start(objects)
        mask = chosen[objects.numbers]
        airway[number] = mask
        above = mask
    return airway


def _may_start(objects: Objects) -> NDArray[np.bool_]:
    """Objects that may be the trachea's top: compact and near the middle column, bool [object]."""
    width, height = objects.boxes[:, 2], objects.boxes[:, 3]
    compact = objects.areas > 0.5 * width * height
    square = (width < 2.5 * height) & (height < 2.5 * width)
    near = np.abs(objects.centres[:, 0] / objects.numbers.shape[1] - 0.5) < _MIDDLE
    return compact & square & near
