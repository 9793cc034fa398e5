"""The ledger against crashes, old copies, editors and other processes. A charge costs its steps here."""

import json
import shutil
import signal
import subprocess
import sys

import pytest

from client.privacy.ledger import Charge, PrivacyLedger
from client.records.audit import AuditLog
from client.records.chained_log import ChainedLog
from shared_model.errors import PneumofedError

FILES = ("privacy.jsonl", "privacy.head")


def steps_of(charges) -> float:
    return sum(charge.steps for charge in charges)


def spend(folder, steps: int, *, limit: float = 10) -> float:
    """By a new ledger each time, as after a restart."""
    return PrivacyLedger(folder).spend(
        [Charge(1.0, 0.1, steps)], total_epsilon=steps_of, limit=limit, study="s"
    )


def refusal(action) -> str:
    with pytest.raises(PneumofedError) as caught:
        action()
    return caught.value.code


def copy(folder, target) -> None:
    target.mkdir(exist_ok=True)
    for name in FILES:
        shutil.copy(folder / name, target / name)


def test_charges_add_up_over_restarts(tmp_path):
    assert [spend(tmp_path, n) for n in (1, 2, 3)] == [1, 3, 6]
    assert PrivacyLedger(tmp_path).charges() == [Charge(1.0, 0.1, n) for n in (1, 2, 3)]
    assert PrivacyLedger(tmp_path).epsilon() == 6
    assert PrivacyLedger(tmp_path / "other").epsilon() == 0


def test_what_would_exceed_the_limit_is_refused_and_not_charged(tmp_path):
    spend(tmp_path, 9)
    assert refusal(lambda: spend(tmp_path, 2)) == "privacy-budget-spent"
    assert spend(tmp_path, 1) == 10
    assert refusal(lambda: spend(tmp_path, 1)) == "privacy-budget-spent"
    assert spend(tmp_path, 1, limit=11) == 11  # people approved a study that allows more


def test_an_epsilon_that_is_no_number_is_refused(tmp_path):
    ledger = PrivacyLedger(tmp_path)
    spending = lambda: ledger.spend([Charge(1, 1, 1)], total_epsilon=lambda _: float("nan"), limit=9)  # noqa: E731
    assert refusal(spending) == "privacy-budget-spent"


def test_an_older_copy_is_refused(tmp_path):
    spend(tmp_path, 4)
    copy(tmp_path, tmp_path / "old")
    spend(tmp_path, 5)
    copy(tmp_path, tmp_path / "new")
    copy(tmp_path / "old", tmp_path)
    assert refusal(lambda: spend(tmp_path, 1)) == "privacy-older-copy"
    assert refusal(PrivacyLedger(tmp_path).epsilon) == "privacy-older-copy"
    copy(tmp_path / "new", tmp_path)
    assert spend(tmp_path, 1) == 10


def test_a_ledger_that_was_removed_or_begun_anew_is_refused(tmp_path):
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    spend(tmp_path / "a", 4), spend(tmp_path / "b", 1)
    copy(tmp_path / "b", tmp_path / "a")
    assert refusal(lambda: spend(tmp_path / "a", 1)) == "privacy-older-copy"
    for name in FILES:
        (tmp_path / "a" / name).unlink()
    assert refusal(lambda: spend(tmp_path / "a", 1)) == "privacy-older-copy"


def test_an_audit_log_that_was_moved_away_takes_no_charge_with_it(tmp_path, monkeypatch):
    """Else an older copy of the ledger could be spent again. A crash at the start takes nothing away."""

    def crash(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(ChainedLog, "write", crash)
        spend(tmp_path, 5)
    spend(tmp_path, 4)
    for name in ("audit.jsonl", "audit.head"):
        (tmp_path / name).unlink()
    assert refusal(lambda: spend(tmp_path, 1)) == "privacy-anchor-missing"


def test_a_changed_charge_or_a_cut_line_is_found(tmp_path):
    spend(tmp_path, 4), spend(tmp_path, 5)
    path = tmp_path / "privacy.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"[1.0, 0.1, 5]", b"[1.0, 0.1, 1]"))
    assert refusal(lambda: spend(tmp_path, 1)) == "privacy-damaged"
    path.write_bytes(whole.splitlines(keepends=True)[0])
    assert refusal(lambda: spend(tmp_path, 1)) == "privacy-damaged"


def test_a_crash_between_ledger_and_audit_log_still_counts(tmp_path, monkeypatch):
    spend(tmp_path, 4)

    def crash(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(AuditLog, "write", crash)
        spend(tmp_path, 5)
    assert spend(tmp_path, 1) == 10


def test_the_audit_log_notes_each_charge(tmp_path):
    spend(tmp_path, 4), spend(tmp_path, 5)
    noted = [entry.facts for entry in AuditLog(tmp_path).entries() if entry.event == "privacy spent"]
    lines = [json.loads(line) for line in (tmp_path / "privacy.jsonl").read_text().splitlines()]
    assert [(n["line"], n["ledger"], n["epsilon"]) for n in noted] == [
        (0, "0" * 64, 0), (1, lines[0]["hash"], 4), (2, lines[1]["hash"], 9)
    ]  # fmt: skip
    assert lines[1]["facts"]["study"] == "s" and lines[1]["facts"]["charges"] == [[1.0, 0.1, 5]]


SPENDER = """
import sys, pathlib
from client.privacy.ledger import Charge, PrivacyLedger
ledger = PrivacyLedger(pathlib.Path(sys.argv[1]))
for _ in range(int(sys.argv[2])):
    try:
        charge, limit = Charge(1.0, 0.1, 1), float(sys.argv[3])
        ledger.spend([charge], total_epsilon=lambda c: sum(x.steps for x in c), limit=limit)
    except Exception as error:
        print(error.code, flush=True)
        break
    print("spent", flush=True)
"""


def spender(folder, times: int, limit: int) -> subprocess.Popen:
    command = [sys.executable, "-c", SPENDER, str(folder), str(times), str(limit)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("after", [1, 3, 6])
def test_a_kill_at_any_moment_loses_no_charge(tmp_path, after):
    with spender(tmp_path, 10_000, 10_000) as process:
        for _ in range(after):
            assert process.stdout.readline() == "spent\n"
        process.send_signal(signal.SIGKILL)
        told = after + process.stdout.read().count("spent")
    found = spend(tmp_path, 1, limit=20_000) - 1
    assert told <= found <= told + 1  # at most the one that was being written when it died
    assert spend(tmp_path, 1, limit=20_000) == found + 2


def test_two_processes_cannot_overspend_together(tmp_path):
    running = [spender(tmp_path, 20, 12) for _ in range(3)]
    told = [process.communicate(timeout=120)[0].splitlines() for process in running]
    assert sum(lines.count("spent") for lines in told) == 12
    assert [lines[-1] for lines in told] == ["privacy-budget-spent"] * 3
    assert PrivacyLedger(tmp_path).epsilon() == 12
