"""Augmentation of training lobes: scanner differences and depth of inspiration (not in the paper)."""

import cv2
import numpy as np
from numpy.typing import NDArray

from preprocessing.lung_density import density_curve
from preprocessing.store.scan_record import LobeArrays
from shared_model.constants import FULL_SCALE
from shared_model.study_stage import AugmentationConfig


def augment(arrays: LobeArrays, config: AugmentationConfig, generator: np.random.Generator) -> LobeArrays:
    """The lobes [n, ...] of one scan, augmented: flip and shift move all four arrays alike.

    The intensity factor, the flip, the inspiration depth, the kernel and the noise's strength and grain are
    drawn once per scan, as they belong to the scanner and the patient; the shift is drawn per lobe. Pixels
    shifted in from outside are 0 in every array, and black pixels, as all outside the crop, stay black.
    """
    factor = 1 + config.intensity * generator.uniform(-1, 1)
    flipped = config.flip and generator.random() < 0.5
    shifts = generator.integers(-config.shift, config.shift + 1, (len(arrays.mask), 2))

    def moved(field: NDArray) -> NDArray:
        out = np.zeros_like(field)
        for lobe, (down, right) in enumerate(shifts):
            source = field[lobe, ..., ::-1, :] if flipped else field[lobe]
            out[lobe] = _shifted(source, int(down), int(right))
        return out

    power = np.exp(config.breath * generator.uniform(-1, 1))
    images = _intensity_map(factor, power)[arrays.images]
    if config.kernel > 0:
        images = _with_kernel(images, config.kernel * generator.uniform(-1, 1))
    if config.noise > 0:
        images = _with_noise(images, config.noise * generator.uniform(0, 1), generator)
    return LobeArrays(
        images=moved(images),
        mask=moved(arrays.mask),
        distance=moved(arrays.distance),
        semi_infection=moved(arrays.semi_infection),
    )


def _intensity_map(factor: float, power: float) -> NDArray[np.uint16]:
    """The new value of each grey value 0..2048: uint16 [2049]. Inspiration leaves air and water unchanged."""
    return np.clip(np.rint(density_curve(power) * factor), 0, FULL_SCALE).astype(np.uint16)


def _with_kernel(images: NDArray[np.uint16], sigma: float) -> NDArray[np.uint16]:
    """The images [n, 3, row, column] blurred by a Gaussian of `sigma` pixels; sharpened if it is negative."""
    if abs(sigma) < _LEAST_SIGMA:
        return images
    before = images.astype(np.float32)
    blurred = np.stack([_blurred(lobe, abs(sigma)) for lobe in before])
    return _grey(blurred if sigma > 0 else 2 * before - blurred, images)


def _with_noise(
    images: NDArray[np.uint16], deviation: float, generator: np.random.Generator
) -> NDArray[np.uint16]:
    """The images with noise of this standard deviation in grey values and a random grain."""
    noise = generator.standard_normal(images.shape, dtype=np.float32)
    grain = generator.uniform(_LEAST_SIGMA, 1.5)
    grained = np.stack([_blurred(lobe, grain) for lobe in noise])
    return _grey(images + grained * np.float32(deviation / grained.std()), images)


_LEAST_SIGMA = 0.2  # pixels: a narrower Gaussian changes nothing


def _blurred(images: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Slices [3, row, column], blurred each for itself."""
    return np.stack([cv2.GaussianBlur(image, (0, 0), sigma) for image in images])


def _grey(values: NDArray[np.float32], images: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Grey values; what is black in `images`, as all is outside a crop, stays black."""
    return np.where(images > 0, np.clip(np.rint(values), 0, FULL_SCALE), 0).astype(np.uint16)


def _shifted(field: NDArray, down: int, right: int) -> NDArray:
    """`field` [..., row, column] shifted by whole pixels, with zeros shifted in."""
    rows, columns = field.shape[-2:]
    out = np.zeros_like(field)
    to_rows, from_rows = _overlap(down, rows)
    to_columns, from_columns = _overlap(right, columns)
    out[..., to_rows, to_columns] = field[..., from_rows, from_columns]
    return out


def _overlap(shift: int, size: int) -> tuple[slice, slice]:
    """Where shifted pixels go, and where they come from, along an axis of `size` pixels."""
    return slice(max(0, shift), size + min(0, shift)), slice(max(0, -shift), size + min(0, -shift))
