"""Decisions on studies: what may run, what is refused with which code, what a damaged file does."""

import pytest

from client.trainer import approvals as module
from client.trainer.approvals import Approvals
from shared_model.errors import PneumofedError
from tests.support.scripted_sites import named

STUDY = named("one")
CHANGED = named("one").model_copy(update={"study": STUDY.study.model_copy(update={"seed": 77})})


def refusal(approvals: Approvals, proposal=STUDY, purpose="train") -> str | None:
    try:
        approvals.check(proposal, purpose)
    except PneumofedError as error:
        return error.code
    return None


def test_only_an_approved_study_may_run_and_a_withdrawn_one_no_longer(tmp_path):
    approvals = Approvals(tmp_path, 10)
    assert refusal(approvals) == "study-not-approved"
    assert approvals.receive(STUDY) and not approvals.receive(STUDY)
    assert refusal(approvals) == "study-not-approved"
    approvals.decide(STUDY, "approved", at=1.0)
    assert refusal(approvals) is None and refusal(Approvals(tmp_path, 10)) is None
    assert [path.stat().st_mode & 0o777 for path in (tmp_path / "studies").iterdir()] == [0o600]
    approvals.decide(STUDY, "withdrawn", at=2.0)
    assert refusal(approvals) == "study-withdrawn"


def test_an_approval_does_not_cover_a_lower_floor(tmp_path):
    """What may leave with a lower `count_floor` was not shown when the study was approved."""
    Approvals(tmp_path, 10).decide(STUDY, "approved", at=1.0)
    assert refusal(Approvals(tmp_path, 12)) is None
    lowered = Approvals(tmp_path, 9)
    with pytest.raises(PneumofedError, match="while count_floor was 10, it is 9 now") as refused:
        lowered.check(STUDY, "train")
    assert refused.value.code == "study-not-approved"
    assert lowered.choose(None, ("waiting",), "waits").proposal == STUDY
    lowered.decide(STUDY, "approved", at=2.0)
    assert refusal(lowered) is None and refusal(Approvals(tmp_path, 10)) is None
    lowered.decide(STUDY, "withdrawn", at=3.0)
    assert refusal(lowered) == "study-withdrawn"


def test_a_changed_study_of_the_same_name_is_refused(tmp_path):
    approvals = Approvals(tmp_path, 10)
    approvals.decide(STUDY, "approved", at=1.0)
    assert refusal(approvals, CHANGED) == "study-changed"
    assert refusal(approvals, named("two")) == "study-not-approved"


def test_a_proposal_with_a_forged_fingerprint_is_refused(tmp_path):
    approvals = Approvals(tmp_path, 10)
    approvals.decide(STUDY, "approved", at=1.0)
    path = tmp_path / "studies" / f"{STUDY.fingerprint}.json"
    path.rename(path.with_name(f"{CHANGED.fingerprint}.json"))
    assert refusal(approvals, CHANGED) == "study-changed"


def test_a_purpose_that_was_not_proposed_is_refused(tmp_path):
    approvals, measured = Approvals(tmp_path, 10), STUDY.model_copy(update={"purposes": ("evaluate",)})
    approvals.decide(measured, "approved", at=1.0)
    assert refusal(approvals, measured, "evaluate") is None and refusal(approvals, measured, None) is None
    assert refusal(approvals, measured, "train") == "purpose-not-approved"


def test_a_pause_stops_all_studies_until_it_ends(tmp_path):
    approvals = Approvals(tmp_path, 10)
    approvals.decide(STUDY, "approved", at=1.0)
    approvals.pause()
    assert approvals.paused and refusal(Approvals(tmp_path, 10)) == "paused"
    approvals.resume(), approvals.resume()
    assert not approvals.paused and refusal(approvals) is None


def test_too_many_undecided_proposals_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MAX_WAITING", 2)
    approvals = Approvals(tmp_path, 10)
    assert approvals.receive(named("one")) and approvals.receive(named("two"))
    with pytest.raises(PneumofedError) as error:
        approvals.receive(named("three"))
    assert error.value.code == "too-many-proposals"
    approvals.decide(named("one"), "withdrawn", at=1.0)
    assert approvals.receive(named("three"))


def test_the_last_approval_is_the_latest_other_one_even_if_it_was_withdrawn(tmp_path):
    approvals = Approvals(tmp_path, 10)
    assert approvals.last_approved(STUDY.fingerprint) is None
    for at, name in ((3.0, "three"), (1.0, "one"), (2.0, "two")):
        approvals.decide(named(name), "approved", at=at)
    approvals.decide(named("two"), "withdrawn", at=9.0)
    found = [
        approvals.last_approved(other) for other in (named("three").fingerprint, named("one").fingerprint)
    ]
    assert [one and one.proposal for one in found] == [named("two"), named("three")]


def test_a_damaged_decision_blocks_its_own_study_until_it_is_proposed_again(tmp_path):
    approvals = Approvals(tmp_path, 10)
    approvals.decide(STUDY, "approved", at=1.0)
    approvals.decide(named("other"), "approved", at=1.0)
    (tmp_path / "studies" / f"{STUDY.fingerprint}.json").write_text("{")
    assert refusal(approvals) == "state-damaged"
    assert approvals.damaged() == [STUDY.fingerprint]
    assert [known.proposal for known in approvals.all()] == [named("other")]
    approvals.check(named("other"), "train")
    with pytest.raises(PneumofedError) as error:
        approvals.choose(STUDY.fingerprint, ("approved",), "is approved")
    assert error.value.code == "study-unknown"
    assert approvals.receive(STUDY) and refusal(approvals) == "study-not-approved"
    assert not approvals.receive(STUDY) and not approvals.damaged()


@pytest.mark.parametrize("typed", ["../x", "*", "a" * 16, ""])
def test_a_fingerprint_that_nobody_proposed_is_unknown(tmp_path, typed):
    approvals = Approvals(tmp_path, 10)
    approvals.receive(STUDY)
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(PneumofedError) as error:
        approvals.choose(typed, ("waiting",), "waits")
    assert error.value.code == "study-unknown"
    typed = STUDY.fingerprint.replace("-", "").upper()
    assert approvals.choose(typed, ("waiting",), "waits").proposal == STUDY
