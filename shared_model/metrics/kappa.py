"""Cohen's kappa: how far two raters agree beyond chance."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared_model.metrics.proportion import Z_95


@dataclass(frozen=True)
class Kappa:
    """value, with low and high, its 95 % interval; None where undefined, and then the reason.

    n: scans that both rated; agreed: on so many they said the same. undefined: why there is no value.
    no_interval: why there is a value and no interval.
    """

    n: int
    agreed: int
    value: float | None = None
    low: float | None = None
    high: float | None = None
    undefined: str | None = None
    no_interval: str | None = None


def cohen_kappa(pairs: Iterable[tuple[str, str]]) -> Kappa:
    """Kappa (Cohen 1960) of what two raters called each scan.

    The interval is value +- 1.96 standard errors after Fleiss, Cohen and Everitt (1969, eq. 13), for kappa
    other than 0 and many scans; it is cut off at -1 and 1. Scans count as independent, also those of one
    patient.
    """
    table = _table(list(pairs))
    n, agreed = int(table.sum()), int(np.trace(table))
    if n == 0:
        return Kappa(n, agreed, undefined="no scan was rated by both")
    shares = table / n
    first, second = shares.sum(axis=1), shares.sum(axis=0)
    observed, expected = float(np.trace(shares)), float(first @ second)
    if expected == 1.0:
        return Kappa(n, agreed, undefined="both called all scans the same, so chance explains it all")
    value = (observed - expected) / (1 - expected)
    if agreed == n:
        return Kappa(n, agreed, value, no_interval="they agree on all scans, so the formula has no width")
    half = Z_95 * math.sqrt(_variance(shares, value, expected) / n)
    return Kappa(n, agreed, value, max(-1.0, value - half), min(1.0, value + half))


def _table(pairs: list[tuple[str, str]]) -> NDArray[np.int64]:
    """[category of the first, of the second]: scans."""
    categories = sorted({category for pair in pairs for category in pair})
    table = np.zeros((len(categories), len(categories)), np.int64)
    for one, other in pairs:
        table[categories.index(one), categories.index(other)] += 1
    return table


def _variance(shares: NDArray[np.float64], kappa: float, expected: float) -> float:
    """Of kappa for one scan, by which its variance is divided (Fleiss, Cohen and Everitt 1969).

    shares: [category of the first, of the second], summing to 1.
    """
    first, second = shares.sum(axis=1), shares.sum(axis=0)
    same = np.diag(shares)
    agreeing = same @ (1 - (first + second) * (1 - kappa)) ** 2
    sums = (second[:, None] + first[None, :]) ** 2
    differing = (1 - kappa) ** 2 * ((shares * sums).sum() - same @ np.diag(sums))
    offset = (kappa - expected * (1 - kappa)) ** 2
    return max(0.0, float(agreeing + differing - offset) / (1 - expected) ** 2)
