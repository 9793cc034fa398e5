"""FedAdam against its formulas by hand."""

import numpy as np

from server.strategies.fed_adam import fed_adam
from server.strategies.server_step import State, take_mean
from shared_model.strategy import FedAdamConfig
from shared_model.weights import Weights

CONFIG = FedAdamConfig(name="fedadam", learning_rate=0.1, beta_1=0.9, beta_2=0.99, tau=0.001)


def one(value: float, other: float = 0.0) -> Weights:
    return {"diseased/a": np.array([value], np.float32), "covid/b": np.array([other], np.float32)}


def test_three_rounds_by_hand() -> None:
    weights, state = one(1.0), State()
    means = [2.0, 1.5, 4.0]
    x, m, v = 1.0, 0.0, 0.001**2
    for mean in means:
        weights, state = fed_adam(weights, one(mean), state, CONFIG)
        change = mean - x
        m, v = 0.9 * m + 0.1 * change, 0.99 * v + 0.01 * change**2
        x = x + 0.1 * m / (v**0.5 + 0.001)
        np.testing.assert_allclose(weights["diseased/a"], [x], rtol=1e-6)
        x = float(weights["diseased/a"][0])
    assert weights["covid/b"][0] == 0 and not any("covid" in name for name in state)


def test_the_state_passed_in_is_not_changed() -> None:
    _, state = fed_adam(one(1.0), one(2.0), {}, CONFIG)
    before = {name: array.copy() for name, array in state.items()}
    fed_adam(one(1.0), one(5.0), state, CONFIG)
    assert all((state[name] == array).all() for name, array in before.items())


def test_momentum_goes_on_where_a_round_changes_nothing() -> None:
    weights, state = fed_adam(one(1.0), one(2.0), {}, CONFIG)
    after, _ = fed_adam(weights, weights, state, CONFIG)
    assert after["diseased/a"] > weights["diseased/a"]


def test_fed_avg_takes_the_mean() -> None:
    state: State = {"kept": np.ones(1)}
    assert take_mean(one(1.0), one(2.0), state) == (one(2.0), state)
