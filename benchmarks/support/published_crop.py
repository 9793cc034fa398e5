"""A published slice as the networks' input: a square of the lungs with fixed grey levels.

Published images have no Hounsfield units, and their size, margins, window and lettering vary by publication.
The crop removes these differences in the spirit of 2.2 and 2.3. The lungs' mask is kept, as attention uses a
patch's distance from the periphery of the lung (2.4).
"""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from shared_model.constants import CROP_SIZE

LUNG, TISSUE = 50, 180  # grey levels to which the two peaks of a crop are moved

LEAST_CONTRAST = 12.0  # standard deviation of grey levels along a row or column that is not margin
LEAST_PIXELS = 40  # along an edge after margins are removed
LOOK = 192  # pixels along an edge of the image in which lungs are segmented
CORNER = 4  # pixels: dark regions that reach them are the air around the patient
LEAST_AREA, LEAST_FILLED = 0.01, 0.25  # of a lung: share of the picture; of its own bounding box
FLATTEST = 3.0  # width over height of a lung; the air between patient and table is flatter
LEAST_LUNG = 0.06  # share of the picture; with less, segmentation failed
RIM = 0.04  # of the lungs' box, left around it


def chest_crop(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The lungs' box, stretched to a square, lung and tissue at LUNG and TISSUE: uint8 [256, 256]."""
    picture = without_margins(pixels)
    row0, column0, row1, column1 = lungs_box(picture)
    cut = picture[row0:row1, column0:column1]
    square = cv2.resize(cut, (CROP_SIZE, CROP_SIZE), interpolation=cv2.INTER_AREA)
    return toned(np.asarray(square, np.uint8))


def without_margins(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture without rows and columns of low contrast at its edges; all of it if too little is left."""
    rows, columns = (np.flatnonzero(pixels.std(axis) > LEAST_CONTRAST) for axis in (1, 0))
    if len(rows) < LEAST_PIXELS or len(columns) < LEAST_PIXELS:
        return pixels
    return pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def lungs_box(picture: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    """row0, column0, row1, column1 of the lungs with a rim; of the whole picture if they are not found."""
    lungs = _aired(picture)
    if not lungs.any():
        return 0, 0, *picture.shape
    (row0, row1), (column0, column1) = (
        _scaled(np.any(lungs, axis=axis), edge) for axis, edge in zip((1, 0), picture.shape, strict=True)
    )
    return row0, column0, row1, column1


def lungs_of(crop: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """The lungs in a crop, with their lesions: bool [256, 256], all False if none are found.

    The convex hull of aerated lung on each side of the middle.
    """
    aired = _aired(crop)
    hulls = np.zeros((LOOK, LOOK), np.uint8)
    for half in (slice(LOOK // 2), slice(LOOK // 2, None)):
        side = np.zeros_like(aired)
        side[:, half] = aired[:, half]
        if side.any():
            cv2.fillConvexPoly(hulls, cv2.convexHull(np.argwhere(side)[:, ::-1].astype(np.int32)), 1)
    return cv2.resize(hulls, (CROP_SIZE, CROP_SIZE), interpolation=cv2.INTER_NEAREST).astype(np.bool_)


def _aired(picture: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Aerated lung, bool [LOOK, LOOK]; all False if it is too small.

    As in 2.3: the darker of two clusters, opened, without the outside of the patient. In a mediastinal window
    both clusters are soft tissue, in a pale one they are the patient and the background: then the darker, or
    the lighter, cluster is divided again.
    """
    small = np.asarray(cv2.resize(picture, (LOOK, LOOK), interpolation=cv2.INTER_AREA), np.uint8)
    for dark in _dark(small):
        lung = _enclosed(dark)
        if lung.mean() >= LEAST_LUNG:
            return lung
    return np.zeros((LOOK, LOOK), np.bool_)


def _dark(small: NDArray[np.uint8]) -> Iterator[NDArray[np.bool_]]:
    """The darker of two clusters; next with the darker divided again, then with the lighter."""
    dark = small <= _threshold(small)
    yield dark
    yield from (small <= _threshold(part) for part in (small[dark], small[~dark]) if part.size)


def _enclosed(dark: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Of the opened dark regions those that may be lungs: large, not flat, not touching the corners."""
    opened = cv2.morphologyEx(dark.view(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3)))
    count, regions, found, _ = cv2.connectedComponentsWithStats(opened, connectivity=4)
    ends = (slice(CORNER), slice(-CORNER, None))
    outside = {
        int(region) for rows in ends for columns in ends for region in np.unique(regions[rows, columns])
    }
    area, width, height = (
        found[:, what] for what in (cv2.CC_STAT_AREA, cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT)
    )
    lungs = [
        region for region in range(1, count)
        if region not in outside
        and area[region] >= LEAST_AREA * LOOK**2
        and area[region] > LEAST_FILLED * width[region] * height[region]
        and width[region] <= FLATTEST * height[region]
    ]  # fmt: skip
    return np.isin(regions, lungs)


def toned(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The crop with the medians of its darker and lighter cluster moved to LUNG and TISSUE."""
    dark = crop <= _threshold(crop)
    if dark.all() or not dark.any():
        return crop
    low, high = np.median(crop[dark]), np.median(crop[~dark])
    return np.asarray((LUNG + (crop - low) * ((TISSUE - LUNG) / (high - low))).clip(0, 255), np.uint8)


def _threshold(pixels: NDArray[np.uint8]) -> float:
    """Otsu (1979): the same two clusters as K-means on grey levels."""
    return float(cv2.threshold(pixels.reshape(1, -1), 0, 255, cv2.THRESH_OTSU)[0])


def _scaled(shown: NDArray[np.bool_], edge: int) -> tuple[int, int]:
    """First and last of `shown` [LOOK] with a rim, scaled to an edge of `edge` pixels."""
    places = np.flatnonzero(shown)
    first, last = places[0], places[-1] + 1
    rim = RIM * (last - first)
    return int(max(0, first - rim) * edge / LOOK), int(np.ceil(min(LOOK, last + rim) * edge / LOOK))
