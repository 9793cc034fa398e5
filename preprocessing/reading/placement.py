"""Moving slices back above each other and making their pixels square."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from preprocessing.reading.layout import Layout

_UNCOVERED_HU = -1024  # beside a slice that was moved; padding marks it


@dataclass(frozen=True)
class Placement:
    """How each slice comes to lie on the volume's pixels.

    `steps` float64 [slice, 2]: how many stored pixels a slice is moved down and across, at least 0;
    `canvas` (rows, columns) of stored pixels that holds them all; `shape` (rows, columns) of the volume.
    """

    steps: NDArray[np.float64]
    canvas: tuple[int, int]
    shape: tuple[int, int]

    @classmethod
    def of(cls, stored: tuple[int, int], layout: Layout) -> "Placement":
        """For slices of (rows, columns) `stored` pixels after the turn."""
        steps = np.zeros((len(layout.places), 2))
        if layout.is_shifted:
            steps = layout.shift_mm / layout.pixel_mm
            steps = np.round(steps - steps.min(0), 6)
        more = np.ceil(steps.max(0)).astype(int)
        canvas = (stored[0] + int(more[0]), stored[1] + int(more[1]))
        sides = zip(canvas, layout.pixel_mm, layout.volume_pixel_mm, strict=True)
        shape = [max(1, round(count * old / new)) for count, old, new in sides]
        return cls(steps, canvas, (shape[0], shape[1]))

    def place(
        self,
        number: int,
        hu: NDArray[np.int16],
        mask: NDArray[np.bool_] | None,
        hu_out: NDArray[np.int16],
        mask_out: NDArray[np.bool_],
    ) -> None:
        """Write slice `number`, int16 HU [row, column], and its padding to the volume's arrays."""
        if self.shape == hu.shape:
            hu_out[:] = hu
            if mask is not None:
                mask_out[:] = mask
            return
        moved = _moved(hu, self.steps[number], self.canvas, _UNCOVERED_HU)
        hu_out[:] = np.rint(self._square(moved))
        mask_out[:] = self.mask(number, np.zeros(hu.shape, np.bool_) if mask is None else mask)

    def mask(self, number: int, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Padding of slice `number` [row, column] on the volume's pixels: all that padding has a part in."""
        if self.shape == mask.shape:
            return mask
        return self._square(_moved(mask, self.steps[number], self.canvas, 1)) > 0

    def _square(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        if image.shape == self.shape:
            return image
        size = (self.shape[1], self.shape[0])
        return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), np.float32)


def _moved(
    image: NDArray[np.generic], steps: NDArray[np.float64], canvas: tuple[int, int], outside: float
) -> NDArray[np.float32]:
    """The image moved down and across by `steps` pixels on a canvas, linear between pixels."""
    moved = image.astype(np.float32)
    for axis, step in enumerate(steps):
        whole, part = int(step), np.float32(step - int(step))
        wide = list(moved.shape)
        wide[axis] = canvas[axis] + 1
        out = np.full(wide, outside, np.float32)
        place = [slice(None), slice(None)]
        place[axis] = slice(whole, whole + moved.shape[axis])
        out[tuple(place)] = moved
        later = np.roll(out, 1, axis)
        moved = np.delete((1 - part) * out + part * later, canvas[axis], axis)
    return moved
