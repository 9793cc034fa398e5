"""Slight changes of training lobes that a scanner or a breath could have made (off in the paper's study)."""

import numpy as np
from numpy.typing import NDArray

from preprocessing.lung_density import density_curve
from preprocessing.store.scan_record import LobeArrays
from shared_model.constants import FULL_SCALE
from shared_model.study_stage import AugmentationConfig


def augment(arrays: LobeArrays, how: AugmentationConfig, generator: np.random.Generator) -> LobeArrays:
    """Lobes [n, ...] of one scan, changed alike in images, mask, distance and semi-infection.

    One factor on the intensities, one flip and one breath for the scan, as they are the scanner's and the
    patient's; a shift for each lobe. What a shift brings in from outside is black and outside the lobe.
    """
    factor = 1 + how.intensity * generator.uniform(-1, 1)
    flipped = how.flip and generator.random() < 0.5
    shifts = generator.integers(-how.shift, how.shift + 1, (len(arrays.mask), 2))

    def moved(field: NDArray) -> NDArray:
        out = np.zeros_like(field)
        for lobe, (down, right) in enumerate(shifts):
            source = field[lobe, ..., ::-1, :] if flipped else field[lobe]
            out[lobe] = _shifted(source, int(down), int(right))
        return out

    power = np.exp(how.breath * generator.uniform(-1, 1))
    return LobeArrays(
        images=moved(_tones(factor, power)[arrays.images]),
        mask=moved(arrays.mask),
        distance=moved(arrays.distance),
        semi_infection=moved(arrays.semi_infection),
    )


def _tones(factor: float, power: float) -> NDArray[np.uint16]:
    """What each grey value 0..2048 becomes: [2049]. Breath moves neither air nor water."""
    return np.clip(np.rint(density_curve(power) * factor), 0, FULL_SCALE).astype(np.uint16)


def _shifted(field: NDArray, down: int, right: int) -> NDArray:
    """`field` [..., row, column] moved, with zeros where nothing came from."""
    rows, columns = field.shape[-2:]
    out = np.zeros_like(field)
    to_rows, from_rows = _overlap(down, rows)
    to_columns, from_columns = _overlap(right, columns)
    out[..., to_rows, to_columns] = field[..., from_rows, from_columns]
    return out


def _overlap(shift: int, size: int) -> tuple[slice, slice]:
    return slice(max(0, shift), size + min(0, shift)), slice(max(0, -shift), size + min(0, -shift))
