"""Weights in pieces: a safetensors file, cut so that no message of the service is large."""

from collections.abc import Iterable, Iterator

import numpy as np

from shared_model.errors import PneumofedError
from shared_model.proposal import Proposal
from shared_model.weights import Weights, from_bytes, to_bytes

CHUNK = 2**19
"""Measured: smaller and larger pieces take longer."""

# A safetensors header names each array with type, shape and offsets.
_HEADER_PER_ARRAY = 1024


def to_chunks(weights: Weights) -> Iterator[bytes]:
    """`weights` as pieces of at most CHUNK bytes, in order."""
    data = to_bytes(weights)
    for start in range(0, len(data), CHUNK):
        yield data[start : start + CHUNK]


def from_chunks(chunks: Iterable[bytes], proposal: Proposal) -> Weights:
    """Inverse of `to_chunks`, for weights of the proposal's architecture or a part of them.

    Raises PneumofedError `weights-too-long` as soon as there are more bytes than the proposal's arrays can
    have, `weights-unreadable` for what is no safetensors file of float32 arrays.
    """
    limit = proposal.nbytes + _HEADER_PER_ARRAY * (len(proposal.arrays) + 1)
    pieces: list[bytes] = []
    size = 0
    for chunk in chunks:
        pieces.append(chunk)
        size += len(chunk)
        if size > limit:
            raise PneumofedError("weights-too-long", f"the weights have more than {limit} bytes")
    try:
        weights = from_bytes(b"".join(pieces))
    except ValueError as error:
        raise _unreadable() from error
    if any(array.dtype != np.float32 for array in weights.values()):
        raise _unreadable()
    return weights


def _unreadable() -> PneumofedError:
    return PneumofedError(
        "weights-unreadable", "the weights are no float32 arrays; both zones need the same version"
    )
