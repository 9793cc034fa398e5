"""torch networks <-> Weights: named float32 arrays, in the order of the modules."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from shared_model.errors import PneumofedError
from shared_model.weights import Weights


def to_weights(networks: Mapping[Any, nn.Module]) -> Weights:
    """Copies of all parameters and buffers of the named networks, in the order of the modules."""
    return {
        f"{network}/{name}": tensor.detach().cpu().float().numpy().copy()
        for network, module in networks.items()
        for name, tensor in module.state_dict().items()
    }


def load_weights(networks: Mapping[Any, nn.Module], weights: Weights) -> None:
    """Copy `weights` into the networks.

    Raises PneumofedError `architecture-mismatch` unless names and shapes are exactly those of the networks;
    nothing is loaded then.
    """
    expected = {
        f"{network}/{name}": tensor
        for network, module in networks.items()
        for name, tensor in module.state_dict().items()
    }
    wrong = sorted(
        (expected.keys() ^ weights.keys())
        | {n for n in expected.keys() & weights.keys() if tuple(expected[n].shape) != weights[n].shape}
    )
    if wrong:
        raise PneumofedError(
            "architecture-mismatch",
            f"the weights belong to another architecture: {len(wrong)} of {len(expected)} arrays differ, "
            f"first {wrong[0]!r}; use the model and the study that belong together",
        )
    with torch.no_grad():
        for name, tensor in expected.items():
            tensor.copy_(torch.from_numpy(np.ascontiguousarray(weights[name])))
