"""The diaphragm as a smooth dome under a lung: it goes on where the lung on it holds no air."""

import numpy as np
from numpy.typing import NDArray

from preprocessing.image_ops import Spacing

_EVERY = 3  # of the grid's rows and columns
_MIN_COLUMNS = 100
_ROUNDS = 12
_HIGH = 2.0  # spreads above the dome from which a column's air ends too high: lung below it holds none
_WEIGHT_HIGH = 0.1  # what such a column counts, at most
_CURVED = -100.0  # mm that a dome falls within 100 mm of its top: what is expected ...
_PULL = 0.05  # ... with this weight against all columns together
_MARGIN_MM, _SPREADS = 8.0, 3.0  # what lies less above the dome, by both measures, is left alone


def above_diaphragm(lung: NDArray[np.bool_], spacing_mm: Spacing) -> NDArray[np.bool_]:
    """Where this side's lung may be, above the dome that carries it, bool [slice, row, column].

    `lung` bool is what is seen of it. The dome's height is a polynomial of second degree in row and column,
    fitted to where the air of each column ends below; a column whose air ends far above it counts little.
    All False where too little lung is seen or what is found is no dome.
    """
    seen = np.asarray(lung.any(axis=0))
    rows, columns = _EVERY * np.array(np.nonzero(seen[::_EVERY, ::_EVERY]))
    if rows.size < _MIN_COLUMNS:
        return np.zeros_like(lung)
    centre = float(rows.mean()), float(columns.mean())
    lowest = np.argmax(lung[:, rows, columns], axis=0) * spacing_mm[0]
    factors, spread = _fit(_terms(rows, columns, centre, spacing_mm), lowest, spacing_mm[0] / 4)
    if (factors[[2, 4]] >= 0).any():
        return np.zeros_like(lung)
    every_row, every_column = np.indices(seen.shape).reshape(2, -1)
    height = _terms(every_row, every_column, centre, spacing_mm) @ factors
    height += max(_MARGIN_MM, _SPREADS * spread)
    heights = np.arange(len(lung)) * spacing_mm[0]
    return np.asarray(heights[:, np.newaxis, np.newaxis] >= height.reshape(seen.shape))


def _fit(
    terms: NDArray[np.float64], lowest: NDArray[np.float64], least_spread: float
) -> tuple[NDArray[np.float64], float]:
    """Factors of the terms [column, term] for the heights `lowest`, and the spread of those below it, mm."""
    pull = _PULL * np.sqrt(len(lowest)) * np.eye(5)[[2, 4]]
    weight = np.ones(len(lowest))
    for _ in range(_ROUNDS):
        root = np.sqrt(weight)
        left = np.vstack([terms * root[:, np.newaxis], pull])
        factors = np.linalg.lstsq(left, np.append(lowest * root, _CURVED * pull.sum(axis=1)), rcond=None)[0]
        off = lowest - terms @ factors
        spread = max(float(np.median(-off[off <= 0])), least_spread)
        high = off > _HIGH * spread
        weight = np.where(high, _WEIGHT_HIGH * (_HIGH * spread / np.where(high, off, 1)) ** 2, 1.0)
    return factors, spread


def _terms(
    rows: NDArray[np.int64], columns: NDArray[np.int64], centre: tuple[float, float], spacing_mm: Spacing
) -> NDArray[np.float64]:
    """1, y, y^2, x, x^2 of each column, [column, term], in 100 mm from the centre."""
    down, right = (rows - centre[0]) * spacing_mm[1] / 100, (columns - centre[1]) * spacing_mm[2] / 100
    return np.column_stack([np.ones(len(rows)), down, down**2, right, right**2])
