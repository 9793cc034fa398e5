"""In-plane resampling: aligns shifted slices and makes pixels square."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from preprocessing.reading.slice_grid import SliceGrid

_UNCOVERED_HU = -1024  # where a shifted slice does not cover the volume; marked as padding


@dataclass(frozen=True)
class SliceResampler:
    """Resamples each slice to the volume's pixels.

    `shift_pixels` float64 [slice, (row, column)]: shift of each slice in stored pixels, at least 0. `canvas`:
    (rows, columns) in stored pixels that hold all shifted slices. `shape`: (rows, columns) of the volume.
    """

    shift_pixels: NDArray[np.float64]
    canvas: tuple[int, int]
    shape: tuple[int, int]

    @classmethod
    def for_grid(cls, stored: tuple[int, int], grid: SliceGrid) -> "SliceResampler":
        """For slices of `stored` (rows, columns) after reorientation."""
        shift_pixels = np.zeros((len(grid.grid_index), 2))
        if grid.is_shifted:
            shift_pixels = grid.shift_mm / grid.pixel_mm
            shift_pixels = np.round(shift_pixels - shift_pixels.min(0), 6)
        more = np.ceil(shift_pixels.max(0)).astype(int)
        canvas = (stored[0] + int(more[0]), stored[1] + int(more[1]))
        sides = zip(canvas, grid.pixel_mm, grid.volume_pixel_mm, strict=True)
        shape = [max(1, round(count * old / new)) for count, old, new in sides]
        return cls(shift_pixels, canvas, (shape[0], shape[1]))

    def write_slice(
        self,
        number: int,
        hu: NDArray[np.int16],
        mask: NDArray[np.bool_] | None,
        hu_out: NDArray[np.int16],
        mask_out: NDArray[np.bool_],
    ) -> None:
        """Resample slice `number`, int16 HU [row, column], and its padding into the volume's arrays, in
        place.
        """
        if self.shape == hu.shape:
            hu_out[:] = hu
            if mask is not None:
                mask_out[:] = mask
            return
        shifted = _shift(hu, self.shift_pixels[number], self.canvas, _UNCOVERED_HU)
        hu_out[:] = np.rint(self._square(shifted))
        mask_out[:] = self.resample_padding(number, np.zeros(hu.shape, np.bool_) if mask is None else mask)

    def resample_padding(self, number: int, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Padding of slice `number`, bool [row, column], on the volume's pixels: every pixel that padding
        touches.
        """
        if self.shape == mask.shape:
            return mask
        return self._square(_shift(mask, self.shift_pixels[number], self.canvas, 1)) > 0

    def restore_labels(
        self, labels: NDArray[np.uint8], shift_pixels: NDArray[np.float64], stored: tuple[int, int]
    ) -> NDArray[np.uint8]:
        """`labels` [row, column] of the volume on the pixels of a stored slice, nearest neighbour.

        `stored` is the slice's (rows, columns) after reorientation, `shift_pixels` its (row, column) shift.
        """
        if self.shape == stored:
            return labels
        rows, columns = (
            np.clip(np.rint((np.arange(count) + shift + 0.5) * new / old - 0.5), 0, new - 1).astype(np.int64)
            for count, shift, old, new in zip(stored, shift_pixels, self.canvas, self.shape, strict=True)
        )
        return labels[np.ix_(rows, columns)]

    def _square(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        if image.shape == self.shape:
            return image
        size = (self.shape[1], self.shape[0])
        return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), np.float32)


def _shift(
    image: NDArray[np.generic], shift_pixels: NDArray[np.float64], canvas: tuple[int, int], outside: float
) -> NDArray[np.float32]:
    """`image` [row, column] shifted by `shift_pixels` (row, column) on a larger canvas, linearly
    interpolated.
    """
    moved = image.astype(np.float32)
    for axis, step in enumerate(shift_pixels):
        whole, part = int(step), np.float32(step - int(step))
        wide = list(moved.shape)
        wide[axis] = canvas[axis] + 1
        out = np.full(wide, outside, np.float32)
        write_slice = [slice(None), slice(None)]
        write_slice[axis] = slice(whole, whole + moved.shape[axis])
        out[tuple(write_slice)] = moved
        later = np.roll(out, 1, axis)
        moved = np.delete((1 - part) * out + part * later, canvas[axis], axis)
    return moved
