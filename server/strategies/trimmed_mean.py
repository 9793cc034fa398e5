"""The coordinate-wise trimmed mean (Yin et al. 2018): each value's `trim` largest and smallest are dropped.

As long as at most `trim` hospitals are wrong, each value lies between two that honest ones returned. All that
are left count alike, whatever their scans: a say is not trimmed with its value. All updates of a round are in
memory at once: 12.6 MB a hospital for both full networks. The mean is exact and the same in any order, as
that of fed_avg.py.
"""

from collections.abc import Sequence

import numpy as np

from server.strategies.fed_avg import Mean
from shared_model.errors import PneumofedError
from shared_model.strategy import TrimmedMeanConfig
from shared_model.weights import Weights, network_of


def trimmed_mean(weights: Weights, updates: Sequence[Weights], config: TrimmedMeanConfig) -> Weights:
    """The new global weights; arrays that no hospital returned are those of `weights`.

    Raises PneumofedError `too-few-hospitals` for arrays that fewer than `least_hospitals` returned.
    """
    new_weights = dict(weights)
    for name in weights:
        arrays = [update[name] for update in updates if name in update]
        if not arrays:
            continue
        if len(arrays) < config.least_hospitals:
            raise PneumofedError(
                "too-few-hospitals",
                f"guard 'trimmed-mean' with trim = {config.trim} needs {config.least_hospitals} hospitals in "
                f"each average, {len(arrays)} returned {network_of(name)}; lower trim, or wait for more",
            )
        mean = Mean(arrays[0].shape)
        for values in np.sort(np.stack(arrays), axis=0)[config.trim : len(arrays) - config.trim]:
            mean.add(values, 1)
        new_weights[name] = mean.result()
    return new_weights
