"""FedAdam (Reddi et al. 2021, algorithm 2): Adam at the coordinator, the mean change being its gradient."""

import numpy as np

from server.strategies.server_step import State
from shared_model.strategy import FedAdamConfig
from shared_model.weights import Weights


def fed_adam(weights: Weights, mean: Weights, state: State, config: FedAdamConfig) -> tuple[Weights, State]:
    """The next global weights, and the state for the next round.

    weights: the global ones before the round; mean: of the hospitals' weights; state: moments by array, empty
    before the first round. An array that no hospital changed stays.
    """
    new_weights, new_state = dict(weights), dict(state)
    for name, before in weights.items():
        change = mean[name].astype(np.float64) - before
        if not change.any() and f"momentum/{name}" not in state:
            continue
        momentum = state.get(f"momentum/{name}", np.zeros_like(change))
        square = state.get(f"square/{name}", np.full_like(change, config.tau**2))
        momentum = config.beta_1 * momentum + (1 - config.beta_1) * change
        square = config.beta_2 * square + (1 - config.beta_2) * change**2
        step = config.learning_rate * momentum / (np.sqrt(square) + config.tau)
        new_weights[name] = (before + step).astype(np.float32)
        new_state |= {f"momentum/{name}": momentum, f"square/{name}": square}
    return new_weights, new_state
