"""FedAvg (McMahan et al. 2017): the mean of the hospitals' weights, per network, weighted by scans.

A hospital's weight in the mean of a network is the number of scans on which it trained that network. Without
a scan for a network it has weight 0; a network that no hospital trained is unchanged.

A hospital's share of the says is capped (share_cap.py). As the cap is known only when all have answered, the
updates with the largest says are held until then: 1 for a cap of 0.6, 2 for 0.5, never more than 1 / cap.

The mean is bit-identical in any order of replies, and memory does not grow with their number: every term is
rounded to two fixed grids on which float64 adds exactly (the pre-rounding of Demmel and Nguyen, 2015, with
bounds known in advance). See docs/decisions/0030.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from server.strategies.share_cap import most_capped, most_say
from shared_model.errors import PneumofedError
from shared_model.weights import Weights, network_of

# Adding and subtracting one of these rounds a number to the nearest multiple of its grid's unit.
_COARSE = 1.5 * 2.0**32  # unit 2^-20, for |scans x weight| < 2^31
_FINE = 1.5 * 2.0**-12  # unit 2^-64, for the remainder of the coarse grid: |remainder| <= 2^-21

# Within these limits the sums on both grids stay below 2^53 units: exact.
LARGEST_WEIGHT = 2.0**10
MOST_SCANS_IN_ALL = 2**21
MOST_HOSPITALS = 2**9


@dataclass
class Mean:
    """The weighted mean of float32 arrays of one shape, exact to 2^-65, independent of the order of `add`.

    says: of all arrays, in scans; held: those with the largest says, which may be capped in the end.
    """

    shape: tuple[int, ...]
    max_share: float = 1.0
    says: list[int] = field(default_factory=list)
    held: list[tuple[int, NDArray[np.float32]]] = field(default_factory=list)
    coarse: NDArray[np.float64] = field(init=False)
    fine: NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        self.coarse, self.fine = np.zeros(self.shape), np.zeros(self.shape)

    def add(self, array: NDArray[np.float32], scans: int) -> None:
        """Add `array`, |array| <= LARGEST_WEIGHT, weighted by `scans` >= 1."""
        self.says.append(scans)
        self.held.append((scans, array))
        if len(self.held) > most_capped(self.max_share):
            least = min(range(len(self.held)), key=lambda i: self.held[i][0])
            self._sum(*self.held.pop(least))

    def _sum(self, scans: int, array: NDArray[np.float32]) -> None:
        term = array.astype(np.float64) * scans  # exact: 24 + 21 bits
        coarse = (term + _COARSE) - _COARSE
        self.coarse += coarse
        self.fine += ((term - coarse) + _FINE) - _FINE

    def result(self) -> NDArray[np.float32]:
        """The mean. Call it once, last."""
        most = most_say(self.says, self.max_share)
        for scans, array in self.held:
            self._sum(min(scans, most), array)
        return ((self.coarse + self.fine) / sum(min(scans, most) for scans in self.says)).astype(np.float32)


class FedAvg:
    """The average of one round, accumulated reply by reply; max_share: the largest of one hospital."""

    def __init__(self, weights: Weights, max_share: float = 1.0) -> None:
        self.weights, self.max_share = weights, max_share
        self.means: dict[str, Mean] = {}
        self._broken = False

    def add(self, update: Weights, scans: Mapping[str, int]) -> None:
        """Add a hospital's `update`; scans: network -> scans that it was trained on.

        Arrays of networks with 0 scans are ignored. Raises PneumofedError `too-many-scans` beyond the limits
        within which the mean is exact; nothing of the update is added then.
        """
        counted = {name: array for name, array in update.items() if scans.get(network_of(name), 0) > 0}
        self._check_limits(counted, scans)
        try:
            for name, array in counted.items():
                mean = self.means.setdefault(name, Mean(array.shape, self.max_share))
                mean.add(array, scans[network_of(name)])
        except BaseException:
            self._broken = True
            raise

    def result(self) -> Weights:
        """The new global weights; arrays that no hospital returned are the old ones. Call it once, last.

        Each sum is released once its mean is computed: all sums take four times the memory of the weights.

        Raises RuntimeError if an `add` broke off in the middle, as for want of memory.
        """
        if self._broken:
            raise RuntimeError("an update was added by half; the round must be run again")
        return {
            name: self.means.pop(name).result() if name in self.means else old
            for name, old in self.weights.items()
        }

    def _check_limits(self, counted: Weights, scans: Mapping[str, int]) -> None:
        for name in counted:
            says = self.means[name].says if name in self.means else []
            if sum(says) + scans[network_of(name)] > MOST_SCANS_IN_ALL or len(says) >= MOST_HOSPITALS:
                raise PneumofedError(
                    "too-many-scans",
                    f"a round averages at most {MOST_HOSPITALS} hospitals and {MOST_SCANS_IN_ALL} scans; "
                    "split the federation",
                )


def fed_avg(weights: Weights, updates: Mapping[str, tuple[Weights, Mapping[str, int]]]) -> Weights:
    """The global `weights` after one round; updates: hospital -> (its arrays, scans per network)."""
    average = FedAvg(weights)
    for update, scans in updates.values():
        average.add(update, scans)
    return average.result()
