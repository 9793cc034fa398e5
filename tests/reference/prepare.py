"""The way from DICOM files to a scan's lobes on disk, word for word and step by step (2.2, 2.3, 2.4, 2.7.2).

What a careful reader of the paper would write with the usual libraries: pydicom, scikit-learn's K-means for
each slice, scipy's median filter, a breadth-first search for the distance. Nothing is slow on purpose.
"""

import time

import numpy as np
import pydicom
from scipy import ndimage

from tests.reference import preprocessing as literal


def prepare(folder, out, seconds=None):
    """Lobes of the series in `folder`, written to `out` (npz, not compressed), and returned.

    A list of dicts, sorted by slice and side: `slice`, `side` (1 the image's left), `box`, `mask`
    [row, column] of the slice, `planes` [3, 256, 256], `distance` and `semi_infection` [256, 256].
    `seconds`, a dict, is filled with the time of each step.
    """
    seconds = {} if seconds is None else seconds
    clock = time.perf_counter

    start = clock()
    hu, padding, pixel_mm = read(folder)
    seconds["read"], start = clock() - start, clock()
    images = literal.remove_batch_effect(hu, padding, starts=1, edge=max(1, round(3 / pixel_mm)))
    seconds["batch effect"], start = clock() - start, clock()
    sides = [literal.lobes_of_slice(image, starts=1) for image in images]
    seconds["lobes"], start = clock() - start, clock()
    lobes = [lobe for number in range(len(images)) for lobe in crops(images, sides, number)]
    for lobe in lobes:
        lobe["distance"] = literal.distance_to_periphery(lobe["crop_mask"])
    low, high = semi_infection_bounds([lobe["planes"][1] for lobe in lobes])
    for lobe in lobes:
        own = lobe["planes"][1]
        lobe["semi_infection"] = lobe["crop_mask"] & (own > low) & (own < high)
    seconds["arrays"], start = clock() - start, clock()
    names = ("planes", "crop_mask", "distance", "semi_infection")
    np.savez(out, **{name: np.stack([lobe[name] for lobe in lobes]) for name in names})
    seconds["write"] = clock() - start
    return lobes


def read(folder):
    """HU and announced padding, [slice, row, column] from the feet upwards, and the pixel spacing, of a plain
    axial series."""
    files = [pydicom.dcmread(path) for path in folder.iterdir()]
    files.sort(key=lambda one: float(one.ImagePositionPatient[2]))
    raw = np.stack([one.pixel_array for one in files]).astype(float)
    slopes = np.array([float(one.RescaleSlope) for one in files])
    intercepts = np.array([float(one.RescaleIntercept) for one in files])
    value = files[0].get("PixelPaddingValue", None)
    padding = np.zeros(raw.shape, bool) if value is None else raw == value
    pixel_mm = float(files[0].PixelSpacing[0])
    return raw * slopes[:, None, None] + intercepts[:, None, None], padding, pixel_mm


def crops(images, sides, number):
    """The lobes of one slice with their 256 x 256 planes; boxes must fit, as nearly all do (2.3)."""
    found = []
    for side in (1, 2):
        mask = sides[number] == side
        if not mask.any():
            continue
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        box = rows[0], columns[0], rows[-1] + 1, columns[-1] + 1
        near = [images[min(max(number + step, 0), len(images) - 1)] for step in (-1, 0, 1)]
        planes = np.stack([crop(image, box) for image in near])
        found.append(
            {"slice": number, "side": side, "box": box, "mask": mask, "planes": planes}
            | {"crop_mask": crop(mask, box)}
        )
    return found


def crop(image, box):
    """The box in the middle of a black 256 x 256 image, shrunk first where it is larger."""
    part = image[box[0] : box[2], box[1] : box[3]]
    rows, columns = part.shape
    if max(rows, columns) > 256:
        part = shrink(part, 256 / max(rows, columns))
        rows, columns = part.shape
    result = np.zeros((256, 256), image.dtype)
    down, right = (256 - rows) // 2, (256 - columns) // 2
    result[down : down + rows, right : right + columns] = part
    return result


def shrink(part, scale):
    """Masks take the nearest pixel; grey values are interpolated."""
    rows, columns = (round(length * scale) for length in part.shape)
    down = (np.arange(rows) + 0.5) * part.shape[0] / rows - 0.5
    right = (np.arange(columns) + 0.5) * part.shape[1] / columns - 0.5
    if part.dtype == bool:
        return part[np.rint(down).astype(int)][:, np.rint(right).astype(int)]
    return ndimage.map_coordinates(part, np.meshgrid(down, right, indexing="ij"), order=1, mode="nearest")


def semi_infection_bounds(planes):
    """Standard deviation of the scan's images and valley of their histogram (docs/decisions/0010)."""
    values = np.rint(2048 * np.concatenate([plane[plane > 0] for plane in planes])).astype(int)
    low = round(float(values.std()))
    smooth = ndimage.gaussian_filter1d(np.bincount(values, minlength=2049).astype(float), 25, mode="constant")
    dark = literal.two_clusters(values, starts=1)
    split = int(values[dark].max()) + 1
    black, white = int(np.argmax(smooth[:split])), split + int(np.argmax(smooth[split:]))
    start = min(max(black, low), white)
    return low / 2048, (start + int(np.argmin(smooth[start : white + 1]))) / 2048
