"""The one place at a hospital that decodes weights from the coordinator."""

import numpy as np

from shared_model.errors import PneumofedError
from shared_model.weights import Weights, from_bytes


def read_weights(data: bytes) -> Weights:
    """The float32 arrays of a safetensors file, names sorted; names and shapes are the networks' to check.

    Raises PneumofedError `weights-unreadable` for anything else.
    """
    try:
        weights = from_bytes(data)
    except ValueError as error:
        raise _unreadable() from error
    if any(array.dtype != np.float32 for array in weights.values()):
        raise _unreadable()
    return weights


def _unreadable() -> PneumofedError:
    return PneumofedError(
        "weights-unreadable", "the weights are no float32 arrays; coordinator and hospital need one version"
    )
