"""Weights as every party names them: float32 arrays by name, and a fingerprint of their bytes. No torch."""

import hashlib

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

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


def to_bytes(weights: Weights) -> bytes:
    """A safetensors file of the arrays."""
    return save(weights)


def from_bytes(data: bytes) -> Weights:
    """Inverse of `to_bytes`, names sorted. Types and shapes are as the file says.

    Raises ValueError for anything but a safetensors file.
    """
    try:
        arrays = load(data)
    except (SafetensorError, KeyError, AttributeError) as error:
        raise ValueError("no safetensors file") from error
    return {name: arrays[name] for name in sorted(arrays)}
