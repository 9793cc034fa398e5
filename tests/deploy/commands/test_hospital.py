"""What a hospital's people see and decide."""

import json
from importlib.metadata import version
from pathlib import Path

import pytest

from client.hospital_settings import load_hospital_settings
from client.privacy.ledger import Charge, PrivacyLedger
from client.records.audit import AuditLog
from client.trainer.approvals import Approvals
from deploy.commands.root import main
from shared_model.proposal import Proposal
from shared_model.study import PrivacyConfig
from shared_model.study_stage import StageConfig
from tests.support.scripted_sites import WEIGHTS, named

FIRST = named("lungs", StageConfig(name="lobes", networks=("diseased", "covid"), rounds=3))
CHANGED = named("lungs", StageConfig(name="lobes", networks=("diseased", "covid"), rounds=300))


@pytest.fixture
def site(tmp_path) -> Path:
    path = tmp_path / "hospital.toml"
    path.write_text('name = "north"\n[coordinator]\naddress = "fed.example.org:443"\n')
    return path


def approvals(site: Path) -> Approvals:
    state = load_hospital_settings(site).state
    state.mkdir(exist_ok=True)
    return Approvals(state, 10)


def run(capsys, *arguments: object, site: Path) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ending:
        main(["hospital", *map(str, arguments), "--site", str(site)])
    captured = capsys.readouterr()
    return int(ending.value.code or 0), captured.out + captured.err


def test_approving_shows_what_runs_what_leaves_and_what_is_spent(site, capsys):
    approvals(site).receive(FIRST)
    code, words = run(capsys, "approve", FIRST.fingerprint, "--yes", site=site)
    assert code == 0
    assert FIRST.fingerprint in words and "in 3 rounds of 1 pass over the training scans" in words
    # lobe 3x2, shared 4: (6 + 4) values of 4 bytes in each of two networks, and 2 of patch infection; the
    # fine decider is not trained
    assert "5 arrays of weights, 88 bytes" in words
    assert f"the installed pneumofed {version('pneumofed')}; no code is taken from the coordinator" in words
    assert "6 arrays, 104 bytes in all; the largest is covid/lobe.weight, 3 x 2" in words
    assert "batches of 6 scans with 10 lobes each; adam, learning rate 0.0001" in words
    assert "81% to train, 9% to validate, 10% to test" in words and "from seed 0" in words
    assert "fewer than 10 patients" in words and "epsilon" in words and "nothing was approved before" in words
    assert approvals(site).find(FIRST.fingerprint).decision == "approved"
    (entry,) = AuditLog(load_hospital_settings(site).state).entries()
    assert (entry.event, entry.facts["study"]) == ("approved", FIRST.fingerprint)


def test_a_private_study_says_in_words_what_it_may_tell_and_what_was_spent(site, capsys):
    stage = StageConfig(name="lobes", networks=("diseased",), rounds=3)
    study = named("private", stage).study.model_copy(update={"privacy": PrivacyConfig(epsilon=2.0)})
    proposal = Proposal.of(study, WEIGHTS)
    approvals(site).receive(proposal)
    state = load_hospital_settings(site).state
    PrivacyLedger(state).spend([Charge(1.0, 0.1, 1)], total_epsilon=lambda _: 0.75, limit=2.0)
    code, words = run(capsys, "approve", proposal.fingerprint, "--yes", site=site)
    assert code == 0
    assert "at most epsilon 2, but for a chance of 1e-05" in words and "e^2 = 7.39 times" in words
    assert "spent until now: epsilon 0.75" in words
    assert "no loss and no scores" in words and "mean loss" not in words
    assert "no bound" not in words


def test_a_changed_study_is_shown_against_the_last_approval(site, capsys):
    approvals(site).receive(FIRST)
    run(capsys, "approve", FIRST.fingerprint, "--yes", site=site)
    approvals(site).receive(CHANGED)
    code, words = run(capsys, "approve", CHANGED.fingerprint, "--yes", site=site)
    assert code == 0
    assert "study.stages[0].rounds: 3 -> 300" in words
    differing = words.split("What differs")[1].split("All settings")[0].strip().splitlines()[1:]
    assert len(differing) == 1


def test_who_is_not_sure_does_not_approve(site, capsys, monkeypatch):
    approvals(site).receive(FIRST)
    monkeypatch.setattr("typer.confirm", lambda *_, **__: False)
    code, words = run(capsys, "approve", site=site)
    assert code == 1 and "not approved" in words
    assert approvals(site).find(FIRST.fingerprint).decision == "waiting"


def test_with_several_studies_one_must_be_named(site, capsys):
    approvals(site).receive(FIRST)
    approvals(site).receive(CHANGED)
    code, words = run(capsys, "approve", site=site)
    assert code == 1 and "study-unknown" in words
    assert all(one.fingerprint in words for one in (FIRST, CHANGED))
    assert run(capsys, "approve", "../../etc", "--yes", site=site)[0] == 1
    assert run(capsys, "approve", "0" * 16, "--yes", site=site)[0] == 1


def test_pause_resume_and_withdraw_are_decided_and_recorded(site, capsys):
    approvals(site).receive(FIRST)
    approving = f"approve {FIRST.fingerprint} --yes"
    for command in (approving, "pause", "resume", "withdraw"):
        assert run(capsys, *command.split(), site=site)[0] == 0
        if command == "pause":
            assert approvals(site).paused
    assert not approvals(site).paused
    assert approvals(site).find(FIRST.fingerprint).decision == "withdrawn"
    code, text = run(capsys, "studies", "--json", site=site)
    (study,) = json.loads(text)["studies"]
    assert (study["decision"], study["name"]) == ("withdrawn", "lungs")
    code, text = run(capsys, "audit", "--json", site=site)
    lines = json.loads(text)["lines"]
    assert [line["event"] for line in lines] == ["approved", "paused", "resumed", "withdrawn"]
    assert run(capsys, *approving.split(), site=site)[0] == 0  # one may come back


def test_without_being_asked_only_a_named_study_is_approved(site, capsys):
    """A study that was proposed a moment ago could be another than the one that people looked at."""
    approvals(site).receive(FIRST)
    code, words = run(capsys, "approve", "--yes", site=site)
    assert code == 2 and "name the study" in words
    assert approvals(site).find(FIRST.fingerprint).decision == "waiting"


def test_a_fingerprint_may_be_typed_as_it_was_read_aloud(site, capsys):
    approvals(site).receive(FIRST)
    typed = FIRST.fingerprint.upper().replace("-", "")
    assert run(capsys, "approve", typed, "--yes", site=site)[0] == 0


@pytest.mark.parametrize("epsilon", [20.5, 1000.0, 1e300])
def test_a_budget_that_protects_nobody_is_said_so(site, capsys, epsilon):
    study = FIRST.study.model_copy(update={"privacy": PrivacyConfig(epsilon=epsilon)})
    proposal = Proposal.of(study, WEIGHTS)
    approvals(site).receive(proposal)
    code, words = run(capsys, "approve", proposal.fingerprint, "--yes", site=site)
    assert code == 0 and "protects nobody" in words


def test_a_damaged_decision_is_listed_beside_the_others(site, capsys):
    approvals(site).receive(FIRST)
    approvals(site).receive(CHANGED)
    (load_hospital_settings(site).state / "studies" / f"{FIRST.fingerprint}.json").write_text("{")
    code, text = run(capsys, "studies", "--json", site=site)
    assert code == 0 and {s["fingerprint"]: s["decision"] for s in json.loads(text)["studies"]} == {
        FIRST.fingerprint: "damaged",
        CHANGED.fingerprint: "waiting",
    }


def test_verifying_the_audit_log_tells_the_truth_by_its_exit_code(site, capsys):
    for command in ("pause", "resume", "pause"):
        run(capsys, command, site=site)
    code, words = run(capsys, "audit", "--verify", site=site)
    assert code == 0 and "3 lines" in words
    noted = words.split()[-1]
    assert run(capsys, "audit", "--verify", "--head", noted, site=site)[0] == 0
    path = load_hospital_settings(site).state / "audit.jsonl"
    path.write_text(path.read_text().replace("resumed", "approve"))
    code, words = run(capsys, "audit", "--verify", site=site)
    assert code == 1 and "audit-damaged" in words and "line 2" in words


def test_a_log_made_anew_does_not_have_the_hash_noted_before(site, capsys):
    run(capsys, "pause", site=site)
    noted = run(capsys, "audit", "--verify", site=site)[1].split()[-1]
    for name in ("audit.jsonl", "audit.head"):
        (load_hospital_settings(site).state / name).unlink()
    run(capsys, "resume", site=site)
    assert run(capsys, "audit", "--verify", site=site)[0] == 0
    assert run(capsys, "audit", "--verify", "--head", noted, site=site)[0] == 1


def test_with_four_eyes_two_people_approve(site, capsys):
    with site.open("a") as file:
        file.write("[approval]\nfour_eyes = true\n")
    approvals(site).receive(FIRST)
    approving = ("approve", FIRST.fingerprint, "--yes", "--name")
    assert "waits for the approval of a second person" in run(capsys, *approving, "Ada", site=site)[1]
    assert approvals(site).find(FIRST.fingerprint).decision == "waiting"
    assert run(capsys, *approving, "a d a", site=site)[0] == 1
    assert run(capsys, *approving, "Bea", "--reason", "read", site=site)[0] == 0
    assert approvals(site).find(FIRST.fingerprint).decision == "approved"
    facts = [e.facts for e in AuditLog(load_hospital_settings(site).state).entries() if "by" in e.facts]
    assert [(f["by"], f.get("after"), f.get("reason")) for f in facts] == [
        ("Ada", None, None), ("Bea", "Ada", "read")
    ]  # fmt: skip


def test_a_withdrawal_takes_back_the_first_of_two_approvals(site, capsys):
    with site.open("a") as file:
        file.write("[approval]\nfour_eyes = true\n")
    approvals(site).receive(FIRST)
    approving = ("approve", FIRST.fingerprint, "--yes", "--name")
    run(capsys, *approving, "Ada", site=site)
    run(capsys, "withdraw", FIRST.fingerprint, site=site)
    assert "second person" in run(capsys, *approving, "Bea", site=site)[1]
    assert approvals(site).find(FIRST.fingerprint).decision == "withdrawn"
