"""Augmentation of training lobes: scanner differences and depth of inspiration (not in the paper)."""

import numpy as np
from numpy.typing import NDArray

from preprocessing.lung_density import density_curve
from preprocessing.store.scan_record import LobeArrays
from shared_model.constants import FULL_SCALE
from shared_model.study_stage import AugmentationConfig


def augment(arrays: LobeArrays, config: AugmentationConfig, generator: np.random.Generator) -> LobeArrays:
    """The lobes [n, ...] of one scan, augmented: flip and shift move all four arrays alike.

    The intensity factor, the flip and the inspiration depth are drawn once per scan, as they belong to the
    scanner and the patient; the shift is drawn per lobe. Pixels shifted in from outside are 0 in every array.
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
    return LobeArrays(
        images=moved(_intensity_map(factor, power)[arrays.images]),
        mask=moved(arrays.mask),
        distance=moved(arrays.distance),
        semi_infection=moved(arrays.semi_infection),
    )


def _intensity_map(factor: float, power: float) -> NDArray[np.uint16]:
    """The new value of each grey value 0..2048: uint16 [2049]. Inspiration leaves air and water unchanged."""
    return np.clip(np.rint(density_curve(power) * factor), 0, FULL_SCALE).astype(np.uint16)


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
