"""A coordinator that writes to the screen on which a hospital's people approve its study."""

import json
from typing import Any

import pytest

from client.hospital_settings import HospitalSettings
from client.trainer.proposal_summary import proposal_sections, sections_as_text
from shared_model.errors import PneumofedError
from shared_model.proposal import Proposal
from tests.support.scripted_sites import named

HOSPITAL = HospitalSettings.model_validate(
    {"name": "north", "coordinator": {"address": "fed.example.org:443"}}
)
PROPOSAL = named("lungs")
REDRAW = "\x1b[1A\x1b[2K"


def changed(document: dict[str, Any], where: tuple[str | int, ...], value: object) -> str:
    part: Any = document
    for name in where[:-1]:
        part = part[name]
    part[where[-1]] = value
    return json.dumps(document)


@pytest.mark.parametrize(
    "where",
    [("study", "name"), ("study", "stages", 0, "name"), ("study", "network", "init"), ("trained_on",),
     ("study", "preprocessing"), ("code",)],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("text", [REDRAW, "a\nb", "\u202etxet", "x" * 10_000])
def test_a_text_that_acts_on_the_screen_is_no_proposal(where: tuple[str | int, ...], text: str) -> None:
    with pytest.raises(PneumofedError) as refused:
        Proposal.from_text(changed(json.loads(PROPOSAL.to_text()), where, text))
    assert refused.value.code == "proposal-unreadable" and text not in str(refused.value)


@pytest.mark.parametrize(
    ("where", "value"),
    [(("study", "stages", 0, "learning_rate"), 1e999), (("study", "stages", 0, "epochs"), 1e308),
     (("study", "stages", 0, "rounds"), 10**30), (("study", "seed"), 10**400),
     (("study", "stages"), []), (("arrays",), {"no-slash": [1]}), (("arrays",), {"covid/a": [2**40]})],
    ids=str,
)  # fmt: skip
def test_a_number_that_would_break_the_summary_is_no_proposal(where: Any, value: object) -> None:
    with pytest.raises(PneumofedError) as refused:
        Proposal.from_text(changed(json.loads(PROPOSAL.to_text()), where, value))
    assert refused.value.code == "proposal-unreadable"


def test_what_slipped_through_is_escaped_on_the_screen() -> None:
    """Copied past the checks, as a weaker check of a later version would let it through."""
    stage = PROPOSAL.study.stages[0].model_copy(update={"name": REDRAW})
    study = PROPOSAL.study.model_copy(update={"name": REDRAW, "stages": (stage,)})
    hostile = PROPOSAL.model_copy(update={"study": study, "trained_on": REDRAW})
    sections = proposal_sections(
        hostile, HOSPITAL, PROPOSAL, floor_before=10, epsilon_spent=0.0, proposed=None, patients=None
    )
    words = sections_as_text(sections)
    assert all(char.isprintable() or char == "\n" for char in words)
    assert "[2K" in words
