"""A hospital's decisions: noted in the audit log before they take effect, and only by the trainer's user."""

from pathlib import Path

import pytest

from client.hospital_settings import load_hospital_settings
from client.records.audit import AuditLog
from client.trainer.approvals import Approvals
from client.trainer.proposal_summary import sections_as_text
from client.trainer.study_decisions import Decider, HospitalDecisions
from shared_model.errors import PneumofedError
from shared_model.proposal import Proposal
from shared_model.study_stage import StageConfig
from shared_model.subgroups import Division
from tests.support.scripted_sites import named

PROPOSAL = named("lungs", StageConfig(name="lobes", networks=("diseased",), rounds=3))


@pytest.fixture
def site(tmp_path: Path) -> Path:
    path = tmp_path / "hospital.toml"
    path.write_text('name = "north"\n[coordinator]\naddress = "fed.example.org:443"\n')
    (tmp_path / "state").mkdir()
    Approvals(tmp_path / "state", 10).receive(PROPOSAL)
    return path


def test_each_decision_is_noted_with_its_study_and_who_took_it(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "ada")
    decisions = HospitalDecisions(load_hospital_settings(site))
    decisions.approve(decisions.proposed(None), Decider.user())
    decisions.pause(Decider.user())
    decisions.resume(Decider.user())
    decisions.withdraw(PROPOSAL.fingerprint, Decider.user())
    noted = [
        (e.event, e.facts.get("study"), e.facts["by"]) for e in AuditLog(site.parent / "state").entries()
    ]
    study = PROPOSAL.fingerprint
    assert noted == [
        ("approved", study, "ada"),
        ("paused", None, "ada"),
        ("resumed", None, "ada"),
        ("withdrawn", study, "ada"),
    ]


def test_a_lower_floor_is_shown_before_the_study_is_approved_again(site: Path) -> None:
    HospitalDecisions(load_hospital_settings(site)).approve(PROPOSAL, Decider.user())
    with site.open("a") as file:
        file.write("[limits]\ncount_floor = 3\n")
    again = HospitalDecisions(load_hospital_settings(site))
    assert "this hospital's own count_floor: 10 -> 3" in sections_as_text(
        again.sections(again.proposed(None), None)
    )
    again.approve(again.proposed(None), Decider.user())
    floors = [entry.facts["count_floor"] for entry in AuditLog(site.parent / "state").entries()]
    assert floors == [10, 3]


def test_what_cannot_be_noted_is_not_decided(site: Path) -> None:
    decisions = HospitalDecisions(load_hospital_settings(site))
    decisions.pause(Decider.user())
    log = site.parent / "state" / "audit.jsonl"
    log.write_text("no line of a log\n")
    for decide in (
        lambda: decisions.resume(Decider.user()),
        lambda: decisions.approve(PROPOSAL, Decider.user()),
        lambda: decisions.withdraw(None, Decider.user()),
    ):
        with pytest.raises(PneumofedError) as caught:
            decide()
        assert caught.value.code == "audit-damaged"
    assert decisions.approvals.paused
    study = decisions.approvals.find(PROPOSAL.fingerprint)
    assert study is not None and study.decision == "waiting"


def test_a_user_without_an_account_decides_under_its_number(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown() -> str:
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.setattr("getpass.getuser", unknown)
    HospitalDecisions(load_hospital_settings(site)).approve(PROPOSAL, Decider.user())
    (entry,) = AuditLog(site.parent / "state").entries()
    assert entry.facts["by"] == str((site.parent / "state").stat().st_uid)


def test_another_user_than_the_trainers_is_refused(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = (site.parent / "state").stat().st_uid
    monkeypatch.setattr("os.geteuid", lambda: owner + 1)
    with pytest.raises(PneumofedError) as caught:
        HospitalDecisions(load_hospital_settings(site))
    assert caught.value.code == "wrong-user"


def telling(name: str, division: Division | None) -> Proposal:
    """A proposal whose study tells of subgroups."""
    stage = StageConfig(name="lobes", networks=("diseased",), rounds=3)
    proposal = named(name, stage)
    return proposal.model_copy(update={"study": proposal.study.model_copy(update={"subgroups": division})})


def test_subgroups_are_told_by_one_division_ever(site: Path) -> None:
    decisions = HospitalDecisions(load_hospital_settings(site))
    first, other = telling("first", "slice-thickness"), telling("other", "manufacturer")
    shown = sections_as_text(decisions.sections(first, None))
    assert (
        "thickness of the slices (below 2 mm; 2 to below 5 mm; 5 mm and more; not known, or several)" in shown
    )
    assert "of at least 10 patients" in shown and "none of a class with fewer than 20" in shown
    assert "manufacturer of the scanner" not in sections_as_text(decisions.sections(PROPOSAL, None))
    decisions.approve(first, Decider.user())
    decisions.withdraw(first.fingerprint, Decider.user())  # what left stays told
    with pytest.raises(PneumofedError) as refused:
        decisions.approve(other, Decider.user())
    assert refused.value.code == "other-subgroups" and first.fingerprint in str(refused.value)
    assert AuditLog(site.parent / "state").entries()[-1].event == "withdrawn"
    for allowed in (telling("second", "slice-thickness"), telling("none", None)):
        assert decisions.approve(allowed, Decider.user())
