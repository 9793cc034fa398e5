"""A share of scans, with an interval that counts patients."""

import math
from dataclasses import dataclass

Z_95 = 1.959963984540054  # two-sided 95 % quantile of the normal distribution


@dataclass(frozen=True)
class Proportion:
    """`k` of `n` scans of so many `patients`, 1 <= patients <= n, with a 95 % interval.

    The interval is Wilson's (1927) for `patients` trials, not for `n`: all scans of a patient count as one
    observation. That is the design effect (Kish 1965) of scans that always agree within a patient, the same
    number of scans each; scans that agree less make it wider than it need be.
    """

    k: int
    n: int
    patients: int

    @property
    def value(self) -> float:
        return self.k / self.n

    @property
    def interval(self) -> tuple[float, float]:
        z2, p = Z_95**2, self.value
        centre = (self.patients * p + z2 / 2) / (self.patients + z2)
        half = Z_95 / (self.patients + z2) * math.sqrt(self.patients * p * (1 - p) + z2 / 4)
        # At the ends the limit is exactly 0 or 1; rounding must not move it.
        low = 0.0 if self.k == 0 else max(0.0, centre - half)
        high = 1.0 if self.k == self.n else min(1.0, centre + half)
        return low, high

    def as_json(self) -> dict[str, float | int]:
        low, high = self.interval
        return {"value": self.value, "low": low, "high": high, "k": self.k, "n": self.n}
