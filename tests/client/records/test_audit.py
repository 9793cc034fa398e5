"""The audit log against a hash that was noted elsewhere."""

from pathlib import Path

import pytest

from client.records.audit import AuditLog
from shared_model.errors import PneumofedError


def test_a_log_replaced_as_a_whole_lacks_a_hash_that_was_noted(tmp_path: Path) -> None:
    log = AuditLog(tmp_path)
    noted = log.write("paused").hash
    log.write("resumed")
    assert [entry.event for entry in log.entries(noted=noted)] == ["paused", "resumed"]
    for path in (log.path, log.head_path):
        path.unlink()
    log.write("resumed")
    assert [entry.event for entry in log.entries()] == ["resumed"], "whole by itself"
    with pytest.raises(PneumofedError) as error:
        log.entries(noted=noted)
    assert error.value.code == "audit-damaged"
