"""What a hospital approves: all of it is in the fingerprint, and anything else is unreadable."""

import base64
import hashlib
import json
import re

import pytest

from shared_model.errors import PneumofedError
from shared_model.proposal import LONGEST_TEXT, Proposal, as_fingerprint
from tests.support.fake_sites import BOTH, SHAPES, study_of, weights_of

PROPOSAL = Proposal.of(study_of(BOTH), weights_of(0))


def test_it_names_each_array_and_counts_their_bytes() -> None:
    assert PROPOSAL.arrays == SHAPES and list(PROPOSAL.arrays) == sorted(SHAPES)
    assert PROPOSAL.nbytes == 4 * (6 + 4 + 2 + 4 + 6 + 4)


def test_a_sentence_that_no_screen_can_show_is_refused_at_the_coordinator() -> None:
    with pytest.raises(PneumofedError) as error:
        Proposal.of(study_of(BOTH), weights_of(0), trained_on="CT\x1b[2J")
    assert error.value.code == "proposal-invalid" and "trained_on" in str(error.value)


def test_it_comes_back_from_text() -> None:
    assert Proposal.from_text(PROPOSAL.to_text()) == PROPOSAL
    assert Proposal.of(study_of(BOTH), weights_of(1)).fingerprint == PROPOSAL.fingerprint


@pytest.mark.parametrize(
    "change",
    [
        {"study": study_of(BOTH, seed=1)},
        {"arrays": {**SHAPES, "covid/lobe.weight": (2, 3)}},
        {"code": "0" * 64},
        {"trained_on": "CT of two hospitals."},
        {"purposes": ("evaluate",)},
    ],
    ids=["study", "arrays", "code", "trained on", "purposes"],
)
def test_each_part_changes_the_fingerprint(change: dict[str, object]) -> None:
    assert PROPOSAL.model_copy(update=change).fingerprint != PROPOSAL.fingerprint


def test_the_fingerprint_is_told_by_telephone() -> None:
    fingerprint = PROPOSAL.fingerprint
    assert re.fullmatch(r"([0-9a-hjkmnp-tv-z]{4}-){3}[0-9a-hjkmnp-tv-z]{4}", fingerprint)
    typed = fingerprint.replace("-", " ").replace("0", "O").replace("1", "l").upper().replace("L", "l")
    assert as_fingerprint(f" {typed} ") == as_fingerprint(fingerprint.replace("-", "")) == fingerprint
    found = {Proposal.of(study_of(BOTH, seed=seed), weights_of(0)).fingerprint[-1] for seed in range(400)}
    assert len(found) == 32


def test_the_fingerprint_is_the_start_of_a_hash_of_all_fields() -> None:
    """Against hashlib and base64 over the document."""
    canonical = json.dumps(PROPOSAL.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(canonical.encode()).digest()[:10]
    rfc, crockford = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "0123456789abcdefghjkmnpqrstvwxyz"
    expected = base64.b32encode(digest).decode().translate(str.maketrans(rfc, crockford))
    assert PROPOSAL.fingerprint.replace("-", "") == expected


def document(**changes: object) -> str:
    return json.dumps(json.loads(PROPOSAL.to_text()) | changes)


@pytest.mark.parametrize(
    "text",
    ["", "{}", document(arrays={}), document(code="abc"), document(purposes=["sell"]), document(more=1),
     document(trained_on="CT\x1b[2J"), document(trained_on="a" * 501), document(purposes=["train"] * 3),
     document(arrays={"diseased": [1]}), document(arrays={"covid/lobe\x1b[2J": [1]}),
     document(arrays={"covid/lobe.weight": [-1]}), document(arrays={"covid/lobe.weight": [2**24, 2**24]}),
     document(arrays={"covid/lobe.weight": [1] * 9}), "[" * 100_000,
     PROPOSAL.to_text() + " " * LONGEST_TEXT],
    ids=lambda text: text[-40:],
)  # fmt: skip
def test_anything_else_is_unreadable(text: str) -> None:
    with pytest.raises(PneumofedError) as error:
        Proposal.from_text(text)
    assert error.value.code == "proposal-unreadable"
