"""Weights load into networks exactly, or not at all."""

import numpy as np
import pytest

from shared_model.errors import PneumofedError
from shared_model.network_weights import load_weights, to_weights
from shared_model.networks import make_networks
from shared_model.study import load_study
from shared_model.weights import fingerprint
from tests.support.initial_weights import initial_weights

STUDY = load_study("tiny")


def test_weights_load_exactly_or_not_at_all() -> None:
    networks, weights = make_networks(STUDY.network), initial_weights(STUDY)
    load_weights(networks, weights)
    assert fingerprint(to_weights(networks)) == fingerprint(weights)
    name = "covid/lobe.0.weight"
    for wrong in (
        {n: a for n, a in weights.items() if n != name},
        {**weights, "covid/extra": np.zeros(1, np.float32)},
        {**weights, name: weights[name][:, :-1]},
    ):
        with pytest.raises(PneumofedError) as refused:
            load_weights(networks, wrong)
        assert refused.value.code == "architecture-mismatch"
    assert fingerprint(to_weights(networks)) == fingerprint(weights)
