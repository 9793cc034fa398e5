"""Model weights as named float32 arrays, their serialisation and fingerprint; without torch."""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

Weights = dict[str, NDArray[np.float32]]
"""Names start with the network: "diseased/patch_features.0.weight", "covid/...". """


def network_of(name: str) -> str:
    """The network that the array `name` belongs to."""
    return name.split("/", 1)[0]


def only(weights: Weights, network: str) -> Weights:
    """The arrays of one network."""
    return {name: array for name, array in weights.items() if network_of(name) == network}


def fingerprint(weights: Mapping[str, NDArray[Any]]) -> str:
    """SHA-256 of names, types, shapes and values as hex digits, independent of the order of names."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        array = np.asarray(weights[name])
        kind = "" if array.dtype == np.float32 else str(array.dtype)
        array = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        digest.update(f"{name}{kind}{array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def to_bytes(weights: Weights) -> bytes:
    """The arrays as the bytes of a safetensors file."""
    return save({name: np.ascontiguousarray(array) for name, array in weights.items()})


def from_bytes(data: bytes) -> Weights:
    """Inverse of `to_bytes`, names sorted. Types and shapes are those in the file: the caller checks them.

    Raises ValueError if `data` is not a safetensors file.
    """
    try:
        arrays = load(data)
    except (SafetensorError, KeyError, AttributeError) as error:
        raise ValueError("not a safetensors file") from error
    return {name: arrays[name] for name in sorted(arrays)}
