"""CT scanners: geometry, point spread, noise, table, and encoding of HU as stored values."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from preprocessing.phantom.painting import Float32Array, Frame, Points, UInt8Array, fill, paint_level

_TILE = 1024


@dataclass(frozen=True)
class Scanner:
    """One hospital's CT scanner: the properties that differ between hospitals.

    Lengths in mm. `blur_mm` is the sigma of the point spread, `edge` the strength of edge enhancement,
    `noise_hu` the noise's sigma and `grain_mm` its correlation length. `drift_hu` is a constant calibration
    error. `padding` is the HU stored outside the round field of view (None: square field of view).
    """

    model: str
    kernel: str
    matrix: int = 512
    pixel_mm: float = 0.72
    spacing_mm: float = 6.0
    thickness_mm: float = 5.0
    blur_mm: float = 0.6
    edge: float = 0.0
    noise_hu: float = 18.0
    grain_mm: float = 0.9
    drift_hu: float = 0.0
    slope: float = 1.0
    intercept: float = -1024.0
    signed: bool = False
    bits: int = 16
    padding: float | None = None
    table: Literal["curved", "flat", "none"] = "curved"
    off_centre_mm: float = 6.0
    kvp: int = 120
    numbering: Literal["feet-first", "head-first", "shuffled"] = "head-first"
    implicit: bool = False  # Implicit VR transfer syntax

    def stored_range(self) -> tuple[int, int]:
        """Minimum and maximum stored value."""
        half = 1 << (self.bits - 1)
        return (-half, half - 1) if self.signed else (0, 2 * half - 1)

    def outside_field(self) -> NDArray[np.bool_] | None:
        """Pixels outside a round field of view, bool [row, column]; None if it is square."""
        return None if self.padding is None else _outside_circle(self.matrix)

    def store(self, hu: Float32Array) -> NDArray[np.int32]:
        """Stored values, int32 [..., row, column], of HU: rescaled, clipped to the stored range, with
        padding.
        """
        low, high = self.stored_range()
        raw = np.rint((hu - np.float32(self.intercept)) * np.float32(1 / self.slope))
        outside_field = self.outside_field()
        if outside_field is not None and self.padding is not None:
            raw[..., outside_field] = self.padding_stored()
        return np.clip(raw, low, high, out=raw).astype(np.int32)

    def padding_stored(self) -> int:
        """The stored value of padding."""
        if self.padding is None:
            raise ValueError("this scanner has no padding")
        return round((self.padding - self.intercept) / self.slope)


@lru_cache(maxsize=4)
def _outside_circle(matrix: int) -> NDArray[np.bool_]:
    offset = np.arange(matrix) - (matrix - 1) / 2
    return offset[:, None] ** 2 + offset**2 > (matrix / 2) ** 2


@lru_cache(maxsize=4)
def _noise_tile(grain_px: float) -> Float32Array:
    """Band-limited noise of variance 1 with correlation length `grain_px`, float32 [1024, 1024]."""
    white = np.random.default_rng(77).standard_normal((_TILE, _TILE), dtype=np.float32)
    fine = cv2.GaussianBlur(white, (0, 0), max(grain_px, 0.3), borderType=cv2.BORDER_REFLECT)
    coarse = cv2.GaussianBlur(white, (0, 0), max(grain_px, 0.3) * 3, borderType=cv2.BORDER_REFLECT)
    band = fine - 0.8 * coarse
    return band / band.std()


def add_noise(hu: Float32Array, scanner: Scanner, rng: np.random.Generator) -> None:
    """Add noise and drift to one slice, float32 HU [row, column], in place.

    Noise is stronger in thin slices and in the middle of a large body, and half as strong in air.
    """
    tile = _noise_tile(round(scanner.grain_mm / scanner.pixel_mm, 2))
    row, column = rng.integers(0, _TILE - scanner.matrix + 1, 2)
    piece = tile[row : row + scanner.matrix, column : column + scanner.matrix]
    turn = int(rng.integers(4))
    strength = scanner.noise_hu * min(np.sqrt(6 / max(scanner.thickness_mm, 1.0)), 2.5)
    noise = _noise_map(hu)
    noise *= piece[:: 1 if turn & 1 else -1, :: 1 if turn & 2 else -1]
    noise *= np.float32(strength)
    hu += noise
    hu += np.float32(scanner.drift_hu)
    np.maximum(hu, -1024, out=hu)


def _noise_map(hu: Float32Array) -> Float32Array:
    """Relative noise of each pixel, float32 [row, column]: 0.5 in outside air, about 1 in the chest."""
    rows, columns = hu.shape
    small = cv2.resize(hu, (columns // 8, rows // 8), interpolation=cv2.INTER_AREA)
    tissue = cv2.blur(np.clip(small * np.float32(0.001) + 1, 0, 1.2), (rows // 32 | 1, rows // 32 | 1))
    return np.asarray(cv2.resize(tissue * np.float32(0.75) + np.float32(0.5), (columns, rows)), np.float32)


def sharpen_and_blur(hu: Float32Array, scanner: Scanner) -> Float32Array:
    """Apply the kernel's point spread: a Gaussian blur, and edge enhancement for sharp kernels."""
    sigma = scanner.blur_mm / scanner.pixel_mm
    soft = cv2.GaussianBlur(hu, (0, 0), max(sigma, 0.3))
    if scanner.edge:
        softer = cv2.GaussianBlur(soft, (0, 0), 1.6 * max(sigma, 0.5))
        soft = cv2.addWeighted(soft, 1 + scanner.edge, softer, -scanner.edge, 0)
    return np.asarray(soft, np.float32)


def draw_table(tissue: UInt8Array, frame: Frame, scanner: Scanner, back_mm: float) -> None:
    """Paint the table, a shell filled with foam, under a body whose back is at y = `back_mm`, in place."""
    if scanner.table != "none":
        for outline, hu in _table(scanner.table, back_mm):
            fill(tissue, frame, [outline], paint_level(hu))


@lru_cache(maxsize=4)
def _table(shape: Literal["curved", "flat"], back_mm: float) -> list[tuple[Points, float]]:
    """(outline, HU) of shell and foam, equal in all slices."""
    x = np.linspace(-215, 215, 40)
    bend = 0.0011 * x**2 if shape == "curved" else 0.00012 * x**2
    top = back_mm + 3 - bend
    bottom = top + 22 - 0.00018 * x**2
    sides = np.concatenate([x, x[::-1]])
    return [
        (np.column_stack([sides, np.concatenate([top + inset, (bottom - inset)[::-1]])]), hu)
        for inset, hu in ((0.0, -120.0), (2.2, -940.0))
    ]
