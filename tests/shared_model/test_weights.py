"""Weights as bytes, and the fingerprint by which all parties name them."""

import hashlib

import numpy as np
import pytest
from safetensors.numpy import save

from shared_model.weights import Weights, fingerprint, from_bytes, network_of, to_bytes

WEIGHTS: Weights = {
    "diseased/b": np.array([[1.5, -2.0]], np.float32),
    "covid/a": np.array([0.25], np.float32),
}


def test_the_fingerprint_is_sha_256_of_names_shapes_and_little_endian_values_by_name() -> None:
    by_hand = b"covid/a(1,)" + b"\x00\x00\x80\x3e" + b"diseased/b(1, 2)" + b"\x00\x00\xc0\x3f\x00\x00\x00\xc0"
    assert fingerprint(WEIGHTS) == hashlib.sha256(by_hand).hexdigest()
    assert fingerprint(dict(reversed(WEIGHTS.items()))) == fingerprint(WEIGHTS)
    strided = {name: np.repeat(array, 2, axis=-1)[..., ::2] for name, array in WEIGHTS.items()}
    assert fingerprint(strided) == fingerprint(WEIGHTS)


@pytest.mark.parametrize(
    "other",
    [
        WEIGHTS | {"covid/a": np.array([np.nextafter(np.float32(0.25), np.float32(1))], np.float32)},
        WEIGHTS | {"covid/a": np.array([[0.25]], np.float32)},
        {"diseased/b": WEIGHTS["diseased/b"], "covid/c": WEIGHTS["covid/a"]},
        {"diseased/b": WEIGHTS["diseased/b"]},
    ],
    ids=["one bit", "shape", "name", "missing"],
)
def test_other_weights_have_another_fingerprint(other: Weights) -> None:
    assert fingerprint(other) != fingerprint(WEIGHTS)


def test_bytes_come_back_with_names_in_order() -> None:
    again = from_bytes(to_bytes(WEIGHTS))
    assert list(again) == ["covid/a", "diseased/b"]
    assert all(array.dtype == np.float32 for array in again.values())
    assert fingerprint(again) == fingerprint(WEIGHTS)


@pytest.mark.parametrize("data", [b"", b"rubbish", to_bytes(WEIGHTS)[:-1], save(WEIGHTS)[:12]])
def test_anything_but_a_safetensors_file_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="safetensors"):
        from_bytes(data)


def test_a_names_first_part_is_its_network() -> None:
    assert network_of("diseased/patch_features.0/weight") == "diseased"
