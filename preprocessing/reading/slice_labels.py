"""Labels of a volume back on the pixels of each stored slice, whatever the geometry of the series."""

import numpy as np
from numpy.typing import NDArray

from preprocessing.reading.resampling import SliceResampler
from preprocessing.reading.series import CtSeries
from preprocessing.reading.slice_grid import SliceGrid
from preprocessing.reading.slice_plane import AxisReorientation


def labels_on_slices(labels: NDArray[np.uint8], series: CtSeries) -> NDArray[np.uint8]:
    """Labels of the volume that load_volume makes of `series`, uint8 [slice, row, column], on its files'
    pixels: uint8 [image, row, column] in the order of `series.images`, rows and columns as stored.

    Exact for pixels that are not resampled; nearest neighbour for those of a tilted or shifted series or of
    pixels that are not square. Interpolated slices have no file and are left out.
    """
    grid = SliceGrid.from_slices(series.images)
    reorientation = AxisReorientation.from_plane(series.images[0].plane)
    shape = series.images[0].shape
    turned = reorientation.apply_to_shape(shape)
    resampler = SliceResampler.for_grid(turned, grid)
    restored = np.empty((len(series.images), *shape), np.uint8)
    for number, (index, shift) in enumerate(zip(grid.grid_index, resampler.shift_pixels, strict=True)):
        image = resampler.restore_labels(labels[index], shift, turned)
        restored[number] = reorientation.undo(image)
    return restored
