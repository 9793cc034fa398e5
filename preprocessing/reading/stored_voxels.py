"""The voxels that a series' files hold: where they lie in the patient, and how labels get back to them.

The inverse of load_volume's geometry. Positions are in DICOM's patient axes (PS3.3 C.7.6.2.1.1), in mm.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from preprocessing.reading.resampling import SliceResampler
from preprocessing.reading.series import CtSeries
from preprocessing.reading.slice_grid import SliceGrid
from preprocessing.reading.slice_plane import AxisReorientation, Plane
from shared_model.errors import PneumofedError

_MAX_OFF_PIXELS = 0.5  # of a pixel's lesser side: more, and labels would lie nearer to other pixels


@dataclass(frozen=True)
class StoredVoxels:
    """The regular grid of a series' voxels, rows and columns as stored.

    `shape` is (columns, rows, slices), missing slices included. `affine` float64 [4, 4] takes (column, row,
    slice) indices to patient coordinates in mm. Slices follow the cross product of a row's and a column's
    direction, so axes are right-handed: feet to head, unless `head_first`. `reorientation`, `resampler` and
    `shift_pixels` (float64 [slice, (row, column)], feet to head) are those of load_volume.
    """

    shape: tuple[int, int, int]
    affine: NDArray[np.float64]
    reorientation: AxisReorientation
    resampler: SliceResampler
    shift_pixels: NDArray[np.float64]
    head_first: bool

    @classmethod
    def from_series(cls, series: CtSeries) -> "StoredVoxels":
        """The voxels of `series`. Raises PneumofedError `uneven-grid` if an affine cannot describe them."""
        planes = [ct_slice.plane for ct_slice in series.images]
        grid, reorientation = SliceGrid.from_slices(series.images), AxisReorientation.from_plane(planes[0])
        rows, columns = series.images[0].shape
        resampler = SliceResampler.for_grid(reorientation.apply_to_shape((rows, columns)), grid)
        slices = int(grid.grid_index[-1]) + 1
        shifts = [np.interp(np.arange(slices), grid.grid_index, one) for one in resampler.shift_pixels.T]
        head_first = bool(np.cross(planes[0].along_row, planes[0].along_column)[2] < 0)
        index = grid.grid_index
        if head_first:
            planes, index = planes[::-1], slices - 1 - index[::-1]
        affine = _grid_affine(planes, index, (rows, columns))
        return cls(
            (columns, rows, slices), affine, reorientation, resampler, np.stack(shifts, axis=1), head_first
        )

    def restore_labels(self, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Labels of the volume that load_volume makes, uint8 [slice, row, column], as uint8 [column, row,
        slice] on the stored voxels.
        """
        columns, rows, slices = self.shape
        stored = self.reorientation.apply_to_shape((rows, columns))
        restored = np.empty((slices, rows, columns), np.uint8)
        for number, shift_pixels in enumerate(self.shift_pixels):
            image = self.resampler.restore_labels(labels[number], shift_pixels, stored)
            restored[number] = self.reorientation.undo(image)
        return restored[:: -1 if self.head_first else 1].transpose(2, 1, 0)


def _grid_affine(
    planes: Sequence[Plane], index: NDArray[np.int64], shape: tuple[int, int]
) -> NDArray[np.float64]:
    """The affine [4, 4] of slices in `planes` at the grid's `index`, of `shape` (rows, columns).

    It is exact for the first and the last slice. Raises PneumofedError `uneven-grid` if any pixel of another
    lies more than half a pixel off.
    """
    measured = np.array([_plane_affine(plane) for plane in planes])
    step = (measured[-1, :, 2] - measured[0, :, 2]) / index[-1]
    expected = np.repeat(measured[:1], len(planes), axis=0)
    expected[:, :, 2] += index[:, np.newaxis] * step
    rows, columns = shape
    corners = np.array([[0, columns - 1, 0, columns - 1], [0, 0, rows - 1, rows - 1], [1, 1, 1, 1]])
    off_mm = float(np.linalg.norm((measured - expected) @ corners, axis=1).max())
    if off_mm > _MAX_OFF_PIXELS * min(planes[0].spacing_mm):
        raise PneumofedError(
            "uneven-grid",
            f"pixels lie up to {off_mm:.1f} mm off an even grid, the only one that NIfTI can describe; use a "
            "reconstruction with even slices, or do without a mask file",
        )
    affine = np.eye(4)
    affine[:3] = np.column_stack([measured[0, :, :2], step, measured[0, :, 2]])
    return affine


def _plane_affine(plane: Plane) -> NDArray[np.float64]:
    """[3, 3]: takes (column, row, 1) indices of a slice's pixels to patient coordinates in mm."""
    between_rows, between_columns = plane.spacing_mm
    return np.column_stack(
        [
            np.multiply(plane.along_row, between_columns),
            np.multiply(plane.along_column, between_rows),
            plane.position_mm,
        ]
    )
