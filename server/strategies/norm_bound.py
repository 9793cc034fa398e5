"""A bound on how far one hospital's update moves the weights (norm clipping: Sun et al. 2019, section 4).

A change whose L2 norm is more than `factor` times the median of the others' is shortened to that; its
direction stays. Hospitals are compared over the arrays that the same hospitals trained, so that one that
trains patch infection alone is not measured against one that trains all.

As long as fewer than half of them are wrong, the bound of a wrong one follows from norms of honest ones.
Norms are sums in float64 over one update, so nothing depends on the order of replies; a shortened update is
rounded to float32 once more. All updates of a round are in memory at once: 12.6 MB a hospital for both full
networks.
"""

import math
from collections.abc import Sequence
from statistics import median

import numpy as np

from shared_model.errors import PneumofedError
from shared_model.strategy import NormBoundConfig
from shared_model.weights import Weights, network_of


def bound_norms(weights: Weights, updates: Sequence[Weights], config: NormBoundConfig) -> list[Weights]:
    """`updates`, in their order, with each change from the global `weights` bounded.

    Raises PneumofedError `too-few-hospitals` for arrays that fewer than `least_hospitals` returned.
    """
    bounded = [dict(update) for update in updates]
    for names in _trained_together(updates):
        who = [i for i, update in enumerate(updates) if names[0] in update]
        if len(who) < config.least_hospitals:
            raise PneumofedError(
                "too-few-hospitals",
                f"guard 'norm-bound' needs {config.least_hospitals} hospitals in each average, "
                f"{len(who)} returned {network_of(names[0])}; remove it, or wait for more",
            )
        norms = {i: _norm(weights, updates[i], names) for i in who}
        for i in who:
            most = config.factor * median(norms[j] for j in who if j != i)
            if norms[i] > most:
                bounded[i] |= _shortened(weights, updates[i], names, most / norms[i])
    return bounded


def _trained_together(updates: Sequence[Weights]) -> list[list[str]]:
    """Names of arrays of one network that the same updates have."""
    groups: dict[tuple[str, tuple[int, ...]], list[str]] = {}
    for name in sorted({name for update in updates for name in update}):
        who = tuple(i for i, update in enumerate(updates) if name in update)
        groups.setdefault((network_of(name), who), []).append(name)
    return list(groups.values())


def _norm(weights: Weights, update: Weights, names: Sequence[str]) -> float:
    squares = (np.square(update[name].astype(np.float64) - weights[name]).sum() for name in names)
    return math.sqrt(math.fsum(map(float, squares)))


def _shortened(weights: Weights, update: Weights, names: Sequence[str], factor: float) -> Weights:
    return {
        name: (weights[name] + factor * (update[name].astype(np.float64) - weights[name])).astype(np.float32)
        for name in names
    }
