"""Weights in pieces: small ones, whole again, and no more of them than the proposal allows."""

from collections.abc import Iterator

import pytest

from client.wire.chunks import CHUNK, from_chunks, to_chunks
from shared_model.errors import PneumofedError
from shared_model.proposal import Proposal
from shared_model.weights import to_bytes
from tests.support.fake_sites import BOTH, study_of, weights_of
from tests.support.scripted_sites import thirteen_megabytes

LARGE = thirteen_megabytes()


@pytest.mark.parametrize("weights", [weights_of(0), LARGE], ids=["small", "large"])
def test_pieces_are_small_and_make_the_whole(weights) -> None:
    data = to_bytes(weights)
    pieces = list(to_chunks(data))
    assert len(pieces) == -(-len(data) // CHUNK) and all(len(piece) <= CHUNK for piece in pieces)
    assert from_chunks(pieces, Proposal.of(study_of(BOTH), weights)) == data


def test_no_bytes_are_no_pieces() -> None:
    proposal = Proposal.of(study_of(BOTH), weights_of(0))
    assert list(to_chunks(b"")) == [] and from_chunks([], proposal) == b""


def test_too_many_are_refused_while_they_come() -> None:
    proposal, taken = Proposal.of(study_of(BOTH), weights_of(0)), []

    def endless() -> Iterator[bytes]:
        while True:
            taken.append(1)
            yield bytes(1000)

    with pytest.raises(PneumofedError) as error:
        from_chunks(endless(), proposal)
    assert error.value.code == "weights-too-long"
    assert len(taken) < 10  # five arrays of 24 values: less than 1 kB, and their header
