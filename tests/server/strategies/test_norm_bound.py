"""The norm bound against norms by numpy, and a hospital that shouts."""

import itertools
from typing import Any

import numpy as np
import pytest

from server.strategies.norm_bound import bound_norms
from shared_model.errors import PneumofedError
from shared_model.strategy import NormBoundConfig
from shared_model.weights import Weights, fingerprint, network_of
from tests.support.fake_sites import weights_of

OLD = weights_of(0)
TWICE = NormBoundConfig(name="norm-bound", factor=2.0)


def moved(seed: int, length: float, names: Any = tuple(OLD)) -> Weights:
    """OLD, each network of `names` moved by so much in a drawn direction."""
    draw = np.random.default_rng(seed)
    found: Weights = {}
    for network in {network_of(name) for name in names}:
        steps = {name: draw.normal(size=OLD[name].shape) for name in names if network_of(name) == network}
        norm = np.sqrt(sum((step**2).sum() for step in steps.values()))
        found |= {name: (OLD[name] + length / norm * step).astype(np.float32) for name, step in steps.items()}
    return found


def length(update: Weights, network: str) -> float:
    changes = [
        (update[name].astype(np.float64) - OLD[name]).ravel()
        for name in update
        if network_of(name) == network
    ]
    return float(np.linalg.norm(np.concatenate(changes)))


def test_a_change_much_longer_than_the_others_is_shortened_and_keeps_its_direction() -> None:
    updates = [moved(1, 1.0), moved(2, 1.2), moved(3, 500.0), moved(4, 0.8)]
    bounded = bound_norms(OLD, updates, TWICE)
    for i in (0, 1, 3):
        assert fingerprint(bounded[i]) == fingerprint(updates[i])
    for network in ("diseased", "covid"):
        assert length(bounded[2], network) == pytest.approx(2 * 1.0, rel=1e-5)  # median of 1, 1.2 and 0.8
    for name in OLD:
        np.testing.assert_allclose(
            (bounded[2][name] - OLD[name]) * 250, updates[2][name] - OLD[name], rtol=1e-3, atol=1e-3
        )


def test_hospitals_are_compared_over_what_they_both_train() -> None:
    patches = [name for name in OLD if name == "diseased/patch_infection.weight"]
    updates = [moved(i, 1.0) for i in range(3)] + [moved(i, 1.0, patches) for i in range(3, 6)]
    shouting = dict(updates[0]) | {"diseased/lobe.weight": OLD["diseased/lobe.weight"] + 100}
    bounded = bound_norms(OLD, [shouting, *updates[1:]], TWICE)
    rest = [name for name in OLD if name.startswith("diseased/") and name not in patches]
    assert length({name: bounded[0][name] for name in rest}, "diseased") < 2.1
    np.testing.assert_array_equal(bounded[0][patches[0]], shouting[patches[0]])


def test_every_order_gives_the_same_bits() -> None:
    updates = [moved(i, 3.0**i) for i in range(4)]
    found = {
        tuple(sorted(fingerprint(one) for one in bound_norms(OLD, [updates[i] for i in order], TWICE)))
        for order in itertools.permutations(range(4))
    }
    assert len(found) == 1


def test_two_hospitals_are_too_few() -> None:
    covid = [name for name in OLD if name.startswith("covid/")]
    updates = [moved(0, 1.0), moved(1, 1.0), moved(2, 1.0, [n for n in OLD if n not in covid])]
    with pytest.raises(PneumofedError) as refused:
        bound_norms(OLD, updates, TWICE)
    assert refused.value.code == "too-few-hospitals"
    assert "'norm-bound' needs 3 hospitals" in str(refused.value) and "2 returned covid" in str(refused.value)


def test_changes_of_nothing_bound_to_nothing() -> None:
    bounded = bound_norms(OLD, [OLD, OLD, moved(1, 5.0)], TWICE)
    assert fingerprint(bounded[2]) == fingerprint(OLD)
