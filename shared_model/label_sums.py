"""Sums over a hospital's scans from which a scan decision is computed in closed form.

They are exact: figures are rounded to a fixed grid, so every sum is an integer, is the same for any partition
of the scans, and a hospital is left out by subtraction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared_model.constants import LABELS

FIGURE_LIMIT = 32.0
"""Figures are clipped to +/- this."""

GRID = 2.0**-14
"""Figures are rounded to multiples of this. A product of two figures is below 2^38 units, so the sums over
MOST_SCANS scans stay below 2^58."""

MOST_SCANS = 2**20

Sums = NDArray[np.int64]


@dataclass(frozen=True)
class LabelSums:
    """sums[label]: int64 [1 + figure, 1 + figure], the Gram matrix over scans of (1, figures), where figures
    are in GRID units and 1 is 1. Element [0, 0] is the number of scans.
    """

    sums: Mapping[str, Sums]

    @classmethod
    def of(cls, figures: Mapping[str, Sequence[NDArray[np.float64]]]) -> "LabelSums":
        """The sums over scans of each label, given each scan's figures [figure].

        Raises ValueError for a figure that is not a number.
        """
        return cls({label: _gram(np.stack(rows)) for label, rows in figures.items() if len(rows)})

    def merge(self, other: "LabelSums") -> "LabelSums":
        """The scans of both hospitals. Raises ValueError beyond MOST_SCANS scans of a label."""
        merged = self._combined(other, 1)
        if any(merged.scans([label]) > MOST_SCANS for label in merged.sums):
            raise ValueError(f"sums are over at most {MOST_SCANS} scans of a label")
        return merged

    def without(self, other: "LabelSums") -> "LabelSums":
        """The scans of all hospitals but one, whose sums are `other`."""
        return self._combined(other, -1)

    def _combined(self, other: "LabelSums", sign: int) -> "LabelSums":
        combined = dict(self.sums)
        for label, sums in other.sums.items():
            combined[label] = combined[label] + sign * sums if label in combined else sign * sums
        return LabelSums({label: sums for label, sums in combined.items() if sums[0, 0]})

    def scans(self, labels: Sequence[str]) -> int:
        """The number of scans with one of `labels`."""
        return sum(int(self.sums[label][0, 0]) for label in labels if label in self.sums)

    def of_class(self, labels: Sequence[str]) -> Sums | None:
        """The sums over the scans with one of `labels`; None if there are none."""
        known = [self.sums[label] for label in labels if label in self.sums]
        return sum(known[1:], start=known[0]) if known else None

    def to_arrays(self) -> dict[str, Sums]:
        """The sums by label, as they leave a hospital."""
        return dict(self.sums)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], figures: int) -> "LabelSums":
        """Sums as they came from a hospital. Raises ValueError for what cannot be sums of so many figures."""
        for label, sums in arrays.items():
            if label not in LABELS:
                raise ValueError("sums are by label")
            _check(sums, figures)
        return cls({label: sums.astype(np.int64) for label, sums in arrays.items()})


def scaled(sums: Sums, scans: int) -> Sums:
    """`sums` of a label or class, as if over so many scans of the same means; to whole GRID units."""
    if scans == sums[0, 0]:
        return sums
    # In whole numbers of any size: the products are beyond int64.
    doubled, half = sums.astype(object) * (2 * scans), int(sums[0, 0])
    return ((doubled + half) // (2 * half)).astype(np.int64)


def _gram(figures: NDArray[np.float64]) -> Sums:
    if not np.isfinite(figures).all():
        raise ValueError("a figure of a scan is not a finite number")
    units = np.rint(np.clip(figures, -FIGURE_LIMIT, FIGURE_LIMIT) / GRID).astype(np.int64)
    rows = np.column_stack([np.ones(len(units), np.int64), units])
    return rows.T @ rows


def _check(sums: NDArray[Any], figures: int) -> None:
    """Bounds that the sums of any real scans keep."""
    if sums.dtype != np.int64 or sums.shape != (1 + figures, 1 + figures):
        raise ValueError("sums are an int64 Gram matrix of all figures")
    scans, largest = int(sums[0, 0]), int(FIGURE_LIMIT / GRID)
    if not 1 <= scans <= MOST_SCANS or (sums != sums.T).any():
        raise ValueError("sums are a symmetric matrix over at least one scan")
    bounds = np.full(sums.shape, scans * largest**2)
    bounds[0, :] = bounds[:, 0] = scans * largest
    squares = np.diag(sums).astype(np.float64)
    if (np.abs(sums.astype(np.float64)) > bounds).any() or (squares < 0).any():
        raise ValueError("sums are beyond those of figures within their limits")
    scale = np.sqrt(np.maximum(squares, 1.0))
    if np.linalg.eigvalsh(sums / np.outer(scale, scale)).min() < -1e-6:
        raise ValueError("sums of products are beyond those that the squares allow")
