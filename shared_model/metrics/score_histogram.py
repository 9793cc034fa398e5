"""How many scans scored how high: what a hospital sends instead of scores."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Scores are binned by their logit: probabilities crowd at 0 and 1, logits do not.
BINS = 1024
LOGIT_LIMIT = 16.0
_BINS_PER_UNIT = BINS / (2 * LOGIT_LIMIT)
_BIN_NAMES = frozenset(map(str, range(BINS)))


@dataclass(frozen=True)
class ScoreHistogram:
    """Scans by score: int64 counts [1024] over equal bins of the logit in [-16, 16), and their patients.

    Scores beyond the limits count in the end bins. `merge` adds two hospitals' counts. A patient with scans
    of two labels counts once in the histogram of each.
    """

    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(BINS, np.int64))
    patients: int = 0

    @classmethod
    def of(cls, logits: NDArray[np.floating], patients: int | None = None) -> "ScoreHistogram":
        """Count scan logits [scan] of so many `patients`, by default one scan of each.

        Raises ValueError if a logit is not a number, or if there are more patients than scans.
        """
        counts = np.bincount(bin_of(logits), minlength=BINS)
        return cls(counts, _checked_patients(len(logits) if patients is None else patients, len(logits)))

    @property
    def total(self) -> int:
        return int(self.counts.sum())

    def at_least(self, threshold_bin: int) -> int:
        """Scans whose score lies in `threshold_bin` or above."""
        return int(self.counts[threshold_bin:].sum())

    def merge(self, other: "ScoreHistogram") -> "ScoreHistogram":
        """The scans of both."""
        return ScoreHistogram(self.counts + other.counts, self.patients + other.patients)

    def to_json(self) -> dict[str, Any]:
        """Patients and the non-empty bins: {"patients": count, "bins": {"bin": count}}."""
        bins = {str(i): int(self.counts[i]) for i in np.flatnonzero(self.counts)}
        return {"patients": self.patients, "bins": bins}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "ScoreHistogram":
        """Inverse of `to_json`; raises ValueError for a bin or a count that cannot be."""
        if set(document) != {"patients", "bins"}:
            raise ValueError("a histogram has patients and bins")
        counts = np.zeros(BINS, np.int64)
        for name, count in document["bins"].items():
            if name not in _BIN_NAMES or not is_count(count):
                raise ValueError(f"not a histogram bin: {name!r}: {count!r}")
            counts[int(name)] = count
        return cls(counts, _checked_patients(document["patients"], int(counts.sum())))


def is_count(value: Any) -> bool:
    """Whether `value` is a number of scans or patients: a whole number that many hospitals can add up."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**32


def _checked_patients(patients: Any, scans: int) -> int:
    if not is_count(patients) or not min(1, scans) <= patients <= scans:
        raise ValueError(f"{patients!r} patients cannot have {scans} scans")
    return int(patients)


def bin_of(logits: NDArray[np.floating]) -> NDArray[np.int64]:
    """The bin of each logit, int64 [scan]; raises ValueError if one is not a number."""
    if np.isnan(logits).any():
        raise ValueError("a score is not a number")
    bins = np.floor((np.asarray(logits, np.float64) + LOGIT_LIMIT) * _BINS_PER_UNIT)
    return np.clip(bins, 0, BINS - 1).astype(np.int64)


def bin_logits() -> NDArray[np.float64]:
    """The logit in the middle of each bin, float64 [1024]."""
    return (np.arange(BINS, dtype=np.float64) + 0.5) / _BINS_PER_UNIT - LOGIT_LIMIT


def bin_edge_logit(threshold_bin: int) -> float:
    """The lowest logit that falls into `threshold_bin`."""
    return threshold_bin / _BINS_PER_UNIT - LOGIT_LIMIT


def bin_probability(threshold_bin: int) -> float:
    """The lowest probability that falls into `threshold_bin`."""
    return 1.0 / (1.0 + math.exp(-bin_edge_logit(threshold_bin)))


def probability_bin(probability: float) -> int:
    """The bin whose lower edge is nearest to `probability` in (0, 1): inverse of `bin_probability`."""
    return nearest_edge(math.log(probability) - math.log1p(-probability))


def nearest_edge(logit: float) -> int:
    """The bin whose lower edge is nearest to `logit`."""
    return int(np.clip(round((logit + LOGIT_LIMIT) * _BINS_PER_UNIT), 0, BINS - 1))


def called_positive(logits: NDArray[np.floating], operating_point: float) -> NDArray[np.bool_]:
    """Which scans [scan] the histogram counts as positive from the probability `operating_point` on."""
    return bin_of(logits) >= probability_bin(operating_point)
