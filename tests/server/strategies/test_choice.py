"""Strategies by name and by dotted path, and what a researcher's own may not do."""

import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load, save

from server.strategies.choice import server_step
from server.strategies.server_step import take_mean
from shared_model.errors import PneumofedError
from shared_model.strategy import FedAdamConfig, FedProxConfig
from shared_model.weights import from_bytes, to_bytes
from tests.support.fake_sites import BOTH, study_of, weights_of

OWN = """
import numpy as np

def half_way(weights, mean, state):
    rounds = state.get("rounds", 0) + np.ones(1)
    return {name: (weights[name] + mean[name]) / 2 for name in weights}, {"rounds": rounds}

def raises(weights, mean, state):
    raise RuntimeError("a bug")

def not_finite(weights, mean, state):
    return {name: mean[name] * np.nan for name in weights}, state

def other_shape(weights, mean, state):
    return {name: np.zeros(3) for name in weights}, state

def forgets(weights, mean, state):
    return {}, state

def in_place(weights, mean, state):
    for name in weights:
        weights[name] += 1
    return weights, state

def huge(weights, mean, state):
    return {name: mean[name] * 0 + 5000 for name in weights}, state

def state_not_finite(weights, mean, state):
    return weights, {"x": np.array([np.inf])}

def transposed(weights, mean, state):
    return {name: np.asfortranarray(mean[name]) for name in weights}, {"m": np.arange(6.0).reshape(2, 3).T}

number = 3
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_strategies.py").write_text(OWN)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "own_strategies", raising=False)


def test_names() -> None:
    assert server_step(study_of(BOTH)) is take_mean
    assert server_step(study_of(BOTH, strategy=FedProxConfig(name="fedprox"))) is take_mean
    adam = server_step(study_of(BOTH, strategy=FedAdamConfig(name="fedadam")))
    weights, state = adam(weights_of(0), weights_of(1), {})
    assert state and (weights["covid/lobe.weight"] != weights_of(1)["covid/lobe.weight"]).any()


@pytest.mark.usefixtures("own")
def test_a_researchers_own() -> None:
    step = server_step(study_of(BOTH), "own_strategies:half_way")
    weights, state = step(weights_of(0), weights_of(1), {})
    for name, array in weights.items():
        np.testing.assert_allclose(array, (weights_of(0)[name] + weights_of(1)[name]) / 2, rtol=1e-6)
        assert array.dtype == np.float32
    assert step(weights, weights, state)[1]["rounds"].tolist() == [2.0]


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize(
    "name", ["raises", "not_finite", "other_shape", "forgets", "in_place", "huge", "state_not_finite"]
)
def test_a_strategy_that_fails_is_named(name: str) -> None:
    with pytest.raises(PneumofedError) as refused:
        server_step(study_of(BOTH), f"own_strategies:{name}")(weights_of(0), weights_of(1), {})
    assert refused.value.code == "strategy-failed" and name in str(refused.value)


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize(
    "path", ["own_strategies:none", "nowhere:f", "own_strategies", "", "own_strategies:number"]
)
def test_a_strategy_that_is_not_there_is_refused(path: str) -> None:
    with pytest.raises(PneumofedError) as refused:
        server_step(study_of(BOTH), path)
    assert refused.value.code == "strategy-missing"


@pytest.mark.usefixtures("own")
def test_what_is_returned_is_sent_as_it_is_however_it_lies_in_memory() -> None:
    weights, state = server_step(study_of(BOTH), "own_strategies:transposed")(
        weights_of(0), weights_of(1), {}
    )
    sent = from_bytes(to_bytes(weights))
    assert all((sent[name] == array).all() for name, array in weights_of(1).items())
    assert (load(save(state))["m"] == np.arange(6.0).reshape(2, 3).T).all()


@pytest.mark.parametrize("content", ["1 / 0", "def step(:"])
def test_a_file_that_raises_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    (tmp_path / "broken_strategy.py").write_text(content)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(PneumofedError) as refused:
        server_step(study_of(BOTH), "broken_strategy:step")
    assert refused.value.code == "strategy-failed" and "broken_strategy" in str(refused.value)
