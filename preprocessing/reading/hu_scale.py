"""Whether the values of a chest scan are on the Hounsfield scale that its header claims.

Air lies near -1000 HU and soft tissue near 0. Headers can say HU although an intercept was applied twice, a
window was burned in, or grey values of 8 bits were stored. See docs/decisions/0111.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_OFFSET = 1 << 15  # index of 0 HU in the counts of int16
_AIR_BELOW, _SOFT = -700, (-200, 200)
_MIN_AIR, _MIN_SOFT = 0.005, 0.02  # shares of the voxels that any scan with lungs exceeds
_PEAK = 60  # HU to both sides that count as one peak
_SHARP = 8  # HU to both sides, to locate a peak
_PEAK_SHARE = 0.05
_AIR_TO_SOFT = (850, 1150)  # HU between the peaks of air and of fat or muscle
_MIN_OFFSET = 150  # HU; scanners drift by less
_CANDIDATES = (1000, 1024, 2000, 2048, 8192)
_NEAR = 12  # HU between a measured offset and one of the candidates
_WINDOW_BOTTOM, _WINDOW_TOP = (-900, -30), (100, 500)  # HU where windows end and nothing measured piles up
_PILED, _PILED_TOP = 0.05, 0.003  # shares of the voxels at one end
_GREYS = (20, 300)  # range of the values of an image of 8 bits
_MIN_GREYS = 24  # fewer values: drawn without noise, so that piles say nothing


@dataclass(frozen=True)
class HuScale:
    """`offset_hu`: what to subtract from the values to have HU, 0 if they are. `problem`: why they are not
    HU at all, "" if they are.
    """

    offset_hu: int = 0
    problem: str = ""


def counts_of(hu: NDArray[np.int16]) -> NDArray[np.int64]:
    """How often each value of int16 occurs: int64 [65536], from -32768 on."""
    return np.bincount(hu.ravel().astype(np.int64) + _OFFSET, minlength=1 << 16)


def hu_scale(counts: NDArray[np.int64]) -> HuScale:
    """The scale of the values counted by `counts_of`, without what a scanner writes as padding."""
    counts = _without_padding(counts)
    total = int(counts.sum())
    if total == 0:
        return HuScale()
    shares = counts / total
    air, soft = _between(shares, -(1 << 15), _AIR_BELOW), _between(shares, *_SOFT)
    if problem := _grey_values(shares, air):
        return HuScale(problem=problem)
    if air >= _MIN_AIR and soft >= _MIN_SOFT:
        return HuScale(problem=_burned_top(shares))
    offset = _plain_offset(shares)
    if abs(offset) >= _MIN_OFFSET:
        return HuScale(offset)
    if soft < _MIN_SOFT:
        return HuScale(problem="no soft tissue near 0 HU")
    return HuScale()


def _between(shares: NDArray[np.float64], low: int, high: int) -> float:
    return float(shares[max(low + _OFFSET, 0) : high + _OFFSET + 1].sum())


def _without_padding(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Counts without a lowest value far from all others, which scanners write where nothing is measured."""
    counts = counts.copy()
    for _ in range(2):
        values = np.flatnonzero(counts)
        if len(values) > 1 and values[1] - values[0] > 2 * _PEAK and values[0] < _AIR_BELOW + _OFFSET:
            counts[values[0]] = 0
    return counts


def _plain_offset(shares: NDArray[np.float64]) -> int:
    """The offset by which the peaks of air and soft tissue lie off their places; 0 if they are not seen."""
    window = np.ones(2 * _PEAK + 1)
    peaks = np.convolve(shares, window, "same")
    values = np.flatnonzero(peaks >= _PEAK_SHARE)
    if len(values) == 0:
        return 0
    start = max(int(values[0]) - _PEAK, 0)  # the peak itself begins up to a window's half after it
    sharp = np.convolve(shares[start : start + 4 * _PEAK], np.ones(2 * _SHARP + 1), "same")
    air = start + int(np.argmax(sharp))
    low, high = air + _AIR_TO_SOFT[0], min(air + _AIR_TO_SOFT[1], len(peaks) - 1)
    if low >= len(peaks) or peaks[low : high + 1].max() < _PEAK_SHARE:
        return 0
    measured = air - _OFFSET + 1000
    known = [sign * one for one in _CANDIDATES for sign in (1, -1) if abs(sign * one - measured) <= _NEAR]
    return min(known, key=lambda one: abs(one - measured), default=measured)


def _grey_values(shares: NDArray[np.float64], air: float) -> str:
    """Why the values are those of a picture: a window burned in, or 8 bits."""
    values = np.flatnonzero(shares) - _OFFSET
    low, high = int(values[0]), int(values[-1])
    bottom = float(shares[low + _OFFSET])
    if (
        len(values) >= _MIN_GREYS
        and air < _MIN_AIR
        and bottom >= _PILED
        and _WINDOW_BOTTOM[0] < low < _WINDOW_BOTTOM[1]
    ):
        return f"a window is burned in, {100 * bottom:.0f} % of the values are its lower end"
    if _GREYS[0] <= high - low <= _GREYS[1] and not low < -950 < high:
        return "the values are 256 levels of grey"
    return ""


def _burned_top(shares: NDArray[np.float64]) -> str:
    """Why the upper end is a window's: bone and contrast pile up at the highest value."""
    values = np.flatnonzero(shares)
    high, near = int(values[-1]), shares[values[-1] - 20 : values[-1]]
    piled = float(shares[high])
    if len(values) < _MIN_GREYS or not _WINDOW_TOP[0] < high - _OFFSET < _WINDOW_TOP[1]:
        return ""
    if piled >= _PILED_TOP and piled > 10 * float(near.mean()):
        return f"a window is burned in, {100 * piled:.1f} % of the values are its upper end"
    return ""
