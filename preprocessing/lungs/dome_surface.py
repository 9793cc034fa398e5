"""Fits the diaphragm under a lung as a smooth dome, which extends below airless lung."""

import numpy as np
from numpy.typing import NDArray

from preprocessing.image_ops import Spacing

_STRIDE = 3  # of the grid's rows and columns
_MIN_COLUMNS = 100
_ITERATIONS = 12
_HIGH = 2.0  # spreads above the dome from which a column is an outlier: lung below its air is airless
_WEIGHT_HIGH = 0.1  # largest weight of an outlier
_CURVED = -100.0  # expected fall of a dome within 100 mm of its top, mm (prior)
_PULL = 0.05  # weight of the prior relative to all columns together
_MARGIN_MM, _SPREADS = 8.0, 3.0  # safety margin above the fitted dome: the larger of both


def above_diaphragm(lung: NDArray[np.bool_], spacing_mm: Spacing) -> NDArray[np.bool_]:
    """Voxels above the diaphragm of one lung, bool [slice, row, column].

    `lung` bool is its aerated part. The dome's height is a quadratic polynomial in row and column, fitted
    robustly to the lowest aerated voxel of each column; columns that end far above it get little weight. All
    False if there is too little lung or the fit is not a dome.
    """
    seen = np.asarray(lung.any(axis=0))
    rows, columns = _STRIDE * np.array(np.nonzero(seen[::_STRIDE, ::_STRIDE]))
    if rows.size < _MIN_COLUMNS:
        return np.zeros_like(lung)
    centre = float(rows.mean()), float(columns.mean())
    lowest = np.argmax(lung[:, rows, columns], axis=0) * spacing_mm[0]
    coefficients, spread = _fit(_terms(rows, columns, centre, spacing_mm), lowest, spacing_mm[0] / 4)
    if (coefficients[[2, 4]] >= 0).any():
        return np.zeros_like(lung)
    every_row, every_column = np.indices(seen.shape).reshape(2, -1)
    height = _terms(every_row, every_column, centre, spacing_mm) @ coefficients
    height += max(_MARGIN_MM, _SPREADS * spread)
    heights = np.arange(len(lung)) * spacing_mm[0]
    return np.asarray(heights[:, np.newaxis, np.newaxis] >= height.reshape(seen.shape))


def _fit(
    terms: NDArray[np.float64], lowest: NDArray[np.float64], least_spread: float
) -> tuple[NDArray[np.float64], float]:
    """Coefficients of `terms` [column, term] for heights `lowest` [column], and the spread below the fit,
    mm.
    """
    pull = _PULL * np.sqrt(len(lowest)) * np.eye(5)[[2, 4]]
    weight = np.ones(len(lowest))
    for _ in range(_ITERATIONS):
        root = np.sqrt(weight)
        left = np.vstack([terms * root[:, np.newaxis], pull])
        coefficients = np.linalg.lstsq(
            left, np.append(lowest * root, _CURVED * pull.sum(axis=1)), rcond=None
        )[0]
        off = lowest - terms @ coefficients
        spread = max(float(np.median(-off[off <= 0])), least_spread)
        high = off > _HIGH * spread
        weight = np.where(high, _WEIGHT_HIGH * (_HIGH * spread / np.where(high, off, 1)) ** 2, 1.0)
    return coefficients, spread


def _terms(
    rows: NDArray[np.int64], columns: NDArray[np.int64], centre: tuple[float, float], spacing_mm: Spacing
) -> NDArray[np.float64]:
    """1, y, y^2, x, x^2 of each column, [column, term], in units of 100 mm from the centre."""
    down, right = (rows - centre[0]) * spacing_mm[1] / 100, (columns - centre[1]) * spacing_mm[2] / 100
    return np.column_stack([np.ones(len(rows)), down, down**2, right, right**2])
