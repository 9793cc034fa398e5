"""What the coordinator does with the mean of a round: a pure function, so that a researcher can write one.

def half_way(weights, mean, state):
    return {name: (weights[name] + mean[name]) / 2 for name in weights}, state
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from shared_model.weights import Weights

State = dict[str, NDArray[np.float64]]
"""What a strategy remembers from round to round within a stage, by name; the ledger keeps it."""

ServerStep = Callable[[Weights, Weights, State], tuple[Weights, State]]
"""(global weights before the round, mean of the updates, state) -> (next global weights, state).

Both weights have all arrays of both networks; the state is empty before a stage's first round.
"""


def take_mean(weights: Weights, mean: Weights, state: State) -> tuple[Weights, State]:
    """FedAvg and FedProx: the mean is the next global weights."""
    return mean, state
