"""What a hospital approves: all of it is in the fingerprint, and anything else is unreadable."""

import json

import pytest

from shared_model.errors import PneumofedError
from shared_model.proposal import LONGEST_TEXT, Proposal
from tests.support.fake_sites import BOTH, SHAPES, study_of, weights_of

PROPOSAL = Proposal.of(study_of(BOTH), weights_of(0))


def test_it_names_each_array_and_counts_their_bytes() -> None:
    assert PROPOSAL.arrays == SHAPES and list(PROPOSAL.arrays) == sorted(SHAPES)
    assert PROPOSAL.nbytes == 4 * (6 + 4 + 2 + 4 + 6 + 4)


def test_it_comes_back_from_text() -> None:
    assert Proposal.from_text(PROPOSAL.to_text()) == PROPOSAL
    assert Proposal.of(study_of(BOTH), weights_of(1)).fingerprint == PROPOSAL.fingerprint


@pytest.mark.parametrize(
    "change",
    [
        {"study": study_of(BOTH, seed=1)},
        {"arrays": {**SHAPES, "covid/lobe.weight": (2, 3)}},
        {"purposes": ("evaluate",)},
    ],
    ids=["study", "arrays", "purposes"],
)
def test_each_part_changes_the_fingerprint(change: dict[str, object]) -> None:
    assert PROPOSAL.model_copy(update=change).fingerprint != PROPOSAL.fingerprint


def document(**changes: object) -> str:
    return json.dumps(json.loads(PROPOSAL.to_text()) | changes)


@pytest.mark.parametrize(
    "text",
    ["", "{}", document(arrays={}), document(purposes=["sell"]), document(more=1),
     PROPOSAL.to_text() + " " * LONGEST_TEXT],
)  # fmt: skip
def test_anything_else_is_unreadable(text: str) -> None:
    with pytest.raises(PneumofedError) as error:
        Proposal.from_text(text)
    assert error.value.code == "proposal-unreadable"
