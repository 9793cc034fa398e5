"""Crops a lobe's bounding box to the network's input size, and maps crops back to the slice (2.3)."""

from dataclasses import dataclass
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from shared_model.constants import CROP_SIZE

Pixel = TypeVar("Pixel", np.uint8, np.uint16, np.float32, np.bool_)
Box = tuple[int, int, int, int]  # row0, column0, row1, column1; end exclusive


@dataclass(frozen=True)
class Crop:
    """Placement of `box` in the 256 x 256 crop: scaled by `scale` (crop pixels per image pixel, at most 1),
    its first pixel at `offset` (row, column)."""

    box: Box
    scale: float
    offset: tuple[int, int]

    @property
    def size(self) -> tuple[int, int]:
        """(rows, columns) of the box in the crop."""
        row0, column0, row1, column1 = self.box
        return _scaled_length(row1 - row0, self.scale), _scaled_length(column1 - column0, self.scale)

    @property
    def _target(self) -> tuple[slice, slice]:
        (row, column), (rows, columns) = self.offset, self.size
        return slice(row, row + rows), slice(column, column + columns)

    @property
    def _source(self) -> tuple[slice, slice]:
        row0, column0, row1, column1 = self.box
        return slice(row0, row1), slice(column0, column1)


def crop_for_box(box: Box) -> Crop:
    """The crop of a lobe's bounding box: centred; shrunk, keeping the aspect ratio, only if larger than
    256.
    """
    rows, columns = box[2] - box[0], box[3] - box[1]
    scale = min(1.0, CROP_SIZE / max(rows, columns))
    offset = (
        (CROP_SIZE - _scaled_length(rows, scale)) // 2,
        (CROP_SIZE - _scaled_length(columns, scale)) // 2,
    )
    return Crop((int(box[0]), int(box[1]), int(box[2]), int(box[3])), scale, offset)


def crop_image(image: NDArray[Pixel], crop: Crop) -> NDArray[Pixel]:
    """The box of `image` [row, column] in the middle of a black image [256, 256] of the same dtype.

    The crop holds the whole image inside the box, not the lobe alone. If it is shrunk, numbers are averaged
    and bool masks take the nearest pixel.
    """
    result = np.zeros((CROP_SIZE, CROP_SIZE), image.dtype)
    write_crop(image[crop._source], crop, result)
    return result


def write_crop(part: NDArray[Pixel], crop: Crop, black: NDArray[Pixel]) -> None:
    """Write `part` [row, column], the content of the crop's box, into `black` [256, 256], in place."""
    black[crop._target] = _resize(part, crop.size, cv2.INTER_AREA) if crop.scale < 1 else part


def to_image(crop_map: NDArray[Pixel], crop: Crop, shape: tuple[int, int]) -> NDArray[Pixel]:
    """Map `crop_map` [256, 256] back to a slice of `shape` (rows, columns); 0 outside the box."""
    part = crop_map[crop._target]
    result = np.zeros(shape, crop_map.dtype)
    if crop.scale < 1:
        row0, column0, row1, column1 = crop.box
        part = _resize(part, (row1 - row0, column1 - column0), cv2.INTER_LINEAR)
    result[crop._source] = part
    return result


def _scaled_length(length: int, scale: float) -> int:
    return max(1, min(CROP_SIZE, round(length * scale)))


def _resize(part: NDArray[Pixel], size: tuple[int, int], method: int) -> NDArray[Pixel]:
    # Nearest pixel for masks: averages of bool are not masks.
    is_mask = part.dtype == np.bool_
    numbers: Any = part.astype(np.uint8) if is_mask else part
    rows, columns = size
    resized: Any = cv2.resize(
        numbers, (columns, rows), interpolation=cv2.INTER_NEAREST_EXACT if is_mask else method
    )
    return resized.astype(part.dtype)
