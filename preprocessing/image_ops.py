"""Typed wrappers of OpenCV and scipy for images [row, column] and bool masks."""

from typing import NamedTuple, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

SQUARE_3X3 = np.ones((3, 3), np.uint8)
Spacing = tuple[float, float, float]  # slice, row, column; mm
Label = TypeVar("Label", np.uint8, np.int32)


class Components(NamedTuple):
    """Connected components of a mask. `labels` int32 [row, column], 0 for background; per component:
    `areas` int64 pixels, `boxes` int64 [component, 4] (column, row, width, height), `centroids` float64
    [component, 2] (column, row). Entry 0, the background, has an area only; the rest of it is 0."""

    labels: NDArray[np.int32]
    areas: NDArray[np.int64]
    boxes: NDArray[np.int64]
    centroids: NDArray[np.float64]


def connected_components(mask: NDArray[np.bool_], *, connectivity: int) -> Components:
    """Components of `mask`, bool [row, column], with 4- or 8-connectivity.

    OpenCV labels them. They are measured here from their row runs, in a fifth of the time that OpenCV's own
    statistics take.
    """
    count, found = cv2.connectedComponents(_bytes(mask), connectivity=connectivity)
    labels = np.asarray(found, np.int32)
    row, start, stop = _runs(mask)
    number = labels[row, start]
    areas, columns, rows = (
        np.bincount(number, weights, count)
        for weights in (stop - start, (stop - start) * (start + stop - 1) / 2, (stop - start) * row)
    )
    centroids = np.column_stack([columns, rows]) / np.maximum(areas, 1)[:, np.newaxis]
    areas[0] = mask.size - areas.sum()
    first = np.full((count, 2), max(mask.shape), np.int64)  # column, row
    last = np.zeros((count, 2), np.int64)
    for axis, (low, high) in enumerate(((start, stop), (row, row + 1))):
        np.minimum.at(first[:, axis], number, low)
        np.maximum.at(last[:, axis], number, high)
    first[0] = 0
    return Components(labels, areas.astype(np.int64), np.hstack([first, last - first]), centroids)


def connected_components_3d(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Components of `mask`, bool [slice, row, column], connected by faces: labels from 1, int32 of its
    shape, and voxels per label, int64 [label]; the background, label 0, counts 0.

    Only the mask's bounding box is searched.
    """
    labels = np.zeros(mask.shape, np.int32)
    box = bounding_box(mask)
    held = mask[box]
    count = ndimage.label(held, output=labels[box])
    return labels, np.bincount(labels[box][held], minlength=count + 1)


def thick_components(
    mask: NDArray[np.bool_], thick_mm: float, min_ml: float, spacing_mm: Spacing
) -> NDArray[np.bool_]:
    """`mask` bool [slice, row, column] opened by a disc of radius `thick_mm` in each slice, without 3-D
    components smaller than `min_ml`.
    """
    disc = disc_kernel(max(1, round(thick_mm / spacing_mm[1])))
    thick = np.stack([dilate(erode(image, disc), disc) for image in mask])
    box = bounding_box(thick)  # labels of all voxels take four times the mask's memory
    objects, sizes = connected_components_3d(thick[box])
    thick[box] = (sizes * float(np.prod(spacing_mm)) >= min_ml * 1000)[objects]
    return thick


def bounding_box(mask: NDArray[np.bool_], margin: int = 0) -> tuple[slice, slice, slice]:
    """The smallest box that holds `mask`, bool [slice, row, column], and `margin` rows and columns around."""
    slices, rows, columns = (np.flatnonzero(mask.any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1)))
    return _span(slices, 0), _span(rows, margin), _span(columns, margin)


def _span(places: NDArray[np.intp], margin: int) -> slice:
    return slice(max(0, places[0] - margin), places[-1] + 1 + margin) if len(places) else slice(0)


def _runs(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """(row, first column, column after the last) of each run of True in a row of `mask`."""
    framed = np.zeros((mask.shape[0], mask.shape[1] + 1), np.bool_)  # separates the runs of consecutive rows
    framed[:, :-1] = mask
    flat = framed.ravel()
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    if flat[0]:
        edges = np.concatenate([[0], edges])
    row, start = np.divmod(edges[::2], framed.shape[1])
    return row, start, start + edges[1::2] - edges[::2]


def components_touching(seed: NDArray[np.bool_], mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The components of `mask` (4-connectivity) that contain a pixel of `seed`."""
    objects = connected_components(mask, connectivity=4)
    chosen = np.zeros(len(objects.areas), np.bool_)
    chosen[np.unique(objects.labels[seed & mask])] = True
    return np.asarray(chosen[objects.labels] & mask)


def erode(mask: NDArray[np.bool_], kernel: NDArray[np.uint8] = SQUARE_3X3) -> NDArray[np.bool_]:
    """Binary erosion of `mask` by `kernel`; outside the image counts as mask."""
    return _mask(cv2.erode(_bytes(mask), kernel))


def dilate(mask: NDArray[np.bool_], kernel: NDArray[np.uint8] = SQUARE_3X3) -> NDArray[np.bool_]:
    """Binary dilation of `mask` by `kernel`."""
    return _mask(cv2.dilate(_bytes(mask), kernel))


def dilate_labels(image: NDArray[Label]) -> NDArray[Label]:
    """Grey dilation of labels [row, column] by 3 x 3: the largest label in the neighbourhood."""
    # OpenCV does not dilate int32; float32 holds labels up to 2^24.
    wide = image if image.dtype == np.uint8 else image.astype(np.float32)
    return np.asarray(cv2.dilate(wide, SQUARE_3X3)).astype(image.dtype, copy=False)


def disc_kernel(radius: int) -> NDArray[np.uint8]:
    """A disc-shaped structuring element, 2 * radius + 1 pixels wide."""
    size = 2 * radius + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)), np.uint8)


def convex_hull(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Convex hull of a non-empty mask, computed from the ends of its rows."""
    rows = np.flatnonzero(mask.any(axis=1))
    part = mask[rows]
    first, last = part.argmax(axis=1), mask.shape[1] - 1 - part[:, ::-1].argmax(axis=1)
    ends = np.column_stack([np.concatenate([first, last]), np.concatenate([rows, rows])]).astype(np.int32)
    filled = np.zeros(mask.shape, np.uint8)
    cv2.fillConvexPoly(filled, cv2.convexHull(ends), 1)
    return _mask(filled)


def close_and_fill(mask: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    """`mask` closed by a disc of `radius` pixels, with holes filled."""
    framed = np.pad(_bytes(mask), radius)  # so that closing does not attach to the image's edge
    closed = np.ascontiguousarray(
        cv2.morphologyEx(framed, cv2.MORPH_CLOSE, disc_kernel(radius))[radius:-radius, radius:-radius]
    )
    outlines, _ = cv2.findContours(closed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return _mask(cv2.drawContours(closed, outlines, -1, 1, cv2.FILLED))


def connected_to_border(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The components of `mask` (4-connectivity) that touch the image's border."""
    framed = np.ones((mask.shape[0] + 2, mask.shape[1] + 2), np.uint8)
    framed[1:-1, 1:-1] = mask
    cv2.floodFill(framed, None, (0, 0), 2)
    return np.asarray(framed[1:-1, 1:-1] == 2)


def upsample(mask: NDArray[np.bool_], factor: int) -> NDArray[np.bool_]:
    """`mask` with every pixel repeated factor x factor times."""
    rows, columns = mask.shape[0] * factor, mask.shape[1] * factor
    return _mask(cv2.resize(_bytes(mask), (columns, rows), interpolation=cv2.INTER_NEAREST))


def downsample(image: NDArray[np.uint16], shape: tuple[int, int]) -> NDArray[np.uint16]:
    """`image` shrunk to `shape` (rows, columns) by area averaging."""
    return np.asarray(cv2.resize(image, shape[::-1], interpolation=cv2.INTER_AREA), np.uint16)


def histogram(
    image: NDArray[np.uint16], length: int, mask: NDArray[np.bool_] | None = None
) -> NDArray[np.int64]:
    """Counts of the integers 0..length-1 in `image`, where `mask` if given; int64 [length]."""
    if (
        mask is not None
    ):  # sets all bits outside the mask, a value that is not counted; faster than OpenCV's mask
        image = image | np.subtract(mask, 1, dtype=np.uint16)
    # Counts are float32, exact up to 2^24 pixels per image.
    return np.asarray(cv2.calcHist([image], [0], None, [length], [0, length])).ravel().astype(np.int64)


def _bytes(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(mask).view(np.uint8)


def _mask(image: object) -> NDArray[np.bool_]:
    """A bool view of bytes 0 and 1."""
    return np.asarray(image, np.uint8).view(np.bool_)
