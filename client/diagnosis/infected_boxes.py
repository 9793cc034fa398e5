"""Infected regions of a slice as boxes, as in Fig. 3."""

import cv2
import numpy as np
from numpy.typing import NDArray

from preprocessing.crop import Box

MERGE_DISTANCE_MM = 4.0  # spots nearer than this are one region
MIN_AREA_MM2 = 30.0  # smaller regions get no box; they are still part of the infected volume


def infected_boxes(infected: NDArray[np.bool_], spacing_mm: tuple[float, float]) -> list[Box]:
    """Boxes (row0, column0, row1, column1), ends excluded, round the infected regions of one slice.

    infected: bool [row, column]; spacing_mm: (row, column). Largest region first; boxes that overlap are
    joined until none do.
    """
    size = [2 * round(MERGE_DISTANCE_MM / 2 / step) + 1 for step in spacing_mm]
    joined = cv2.dilate(infected.astype(np.uint8), np.ones(size, np.uint8))
    count, labels = cv2.connectedComponents(joined, connectivity=8)
    labels[~infected] = 0
    areas = np.bincount(labels.ravel(), minlength=count)
    least = MIN_AREA_MM2 / (spacing_mm[0] * spacing_mm[1])
    order = sorted(range(1, count), key=lambda label: -areas[label])
    return _without_overlap([_box_of(labels == label) for label in order if areas[label] >= least])


def _box_of(region: NDArray[np.bool_]) -> Box:
    column, row, width, height = cv2.boundingRect(region.astype(np.uint8))
    return row, column, row + height, column + width


def _without_overlap(boxes: list[Box]) -> list[Box]:
    apart: list[Box] = []
    for box in boxes:
        while touching := [other for other in apart if _overlap(box, other)]:
            apart = [other for other in apart if other not in touching]
            lows, highs = [b[:2] for b in (box, *touching)], [b[2:] for b in (box, *touching)]
            row0, column0 = np.min(lows, axis=0).tolist()
            row1, column1 = np.max(highs, axis=0).tolist()
            box = (row0, column0, row1, column1)
        apart.append(box)
    return apart


def _overlap(first: Box, second: Box) -> bool:
    rows = first[0] < second[2] and second[0] < first[2]
    return rows and first[1] < second[3] and second[1] < first[3]
