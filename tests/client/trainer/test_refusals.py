"""Refused requests are in the audit log, and cannot fill the disk."""

from pathlib import Path

from client.records.audit import AuditLog
from client.trainer.refusals import ROW_EVERY_S, RefusalRows


def test_a_thousand_refusals_take_a_row_an_hour_for_each_kind(tmp_path: Path) -> None:
    now = [0.0]
    rows = RefusalRows(AuditLog(tmp_path), clock=lambda: now[0])
    for number in range(1000):
        rows.note("train", "no-such-round", f"s{number}")
    rows.note("train", "study-withdrawn", "s")
    rows.note("evaluate", "no-such-round", None)
    now[0] = ROW_EVERY_S
    rows.note("train", "no-such-round", "s")
    entries = AuditLog(tmp_path).entries()
    assert {entry.event for entry in entries} == {"refused"}
    assert [entry.facts for entry in entries] == [
        {"task": "train", "code": "no-such-round", "study": "s0"},
        {"task": "train", "code": "study-withdrawn", "study": "s"},
        {"task": "evaluate", "code": "no-such-round"},
        {"task": "train", "code": "no-such-round", "study": "s", "unwritten_before": 999},
    ]
