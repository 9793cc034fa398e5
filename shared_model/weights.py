"""Weights as every party names them: float32 arrays by name, and a fingerprint of their bytes. No torch."""

import hashlib

import numpy as np
from numpy.typing import NDArray

Weights = dict[str, NDArray[np.float32]]
"""Names start with the network: "diseased/patch_features.0.weight", "covid/...". """


def network_of(name: str) -> str:
    """The network that the array `name` belongs to."""
    return name.split("/", 1)[0]


def fingerprint(weights: Weights) -> str:
    """SHA-256 over names, shapes and bytes, independent of the order of names."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        array = np.ascontiguousarray(weights[name], dtype="<f4")
        digest.update(f"{name}{array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
