"""A file of weights in pieces, so that no message of the service is large. What it holds is not read here."""

from collections.abc import Iterable, Iterator

from shared_model.errors import PneumofedError
from shared_model.proposal import Proposal

CHUNK = 2**19
"""Measured: smaller and larger pieces take longer."""

# A safetensors header names each array with type, shape and offsets.
_HEADER_PER_ARRAY = 1024


def to_chunks(data: bytes) -> Iterator[bytes]:
    """`data` as pieces of at most CHUNK bytes, in order."""
    for start in range(0, len(data), CHUNK):
        yield data[start : start + CHUNK]


def from_chunks(chunks: Iterable[bytes], proposal: Proposal) -> bytes:
    """Inverse of `to_chunks`, for a file of the proposal's arrays or a part of them.

    Raises PneumofedError `weights-too-long` as soon as there are more bytes than such a file can have.
    """
    limit = proposal.nbytes + _HEADER_PER_ARRAY * (len(proposal.arrays) + 1)
    pieces: list[bytes] = []
    size = 0
    for chunk in chunks:
        pieces.append(chunk)
        size += len(chunk)
        if size > limit:
            raise PneumofedError("weights-too-long", f"the weights have more than {limit} bytes")
    return b"".join(pieces)
