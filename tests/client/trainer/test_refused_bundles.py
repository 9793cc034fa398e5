"""Lines about refused bundles: enough to know, too few to fill a disk."""

import hashlib

import pytest

from client.records.audit import AuditLog
from client.trainer.refused_bundles import PAUSE_S, RefusedBundles
from shared_model.errors import PneumofedError


def test_one_line_an_hour_says_how_many_there_were(tmp_path):
    audit, now = AuditLog(tmp_path), [100.0]
    refused = RefusedBundles(audit, clock=lambda: now[0])
    hashes = [hashlib.sha256(bytes([n])) for n in range(200)]
    for one in hashes[:100]:
        refused.record(one.digest())
    now[0] += PAUSE_S - 1
    refused.record(hashes[100].digest())
    now[0] += 1
    refused.record(hashes[101].digest())
    facts = [(entry.event, entry.facts) for entry in audit.entries()]
    assert facts == [
        ("bundle refused", {"sha256": hashes[0].hexdigest(), "times": 1}),
        ("bundle refused", {"sha256": hashes[101].hexdigest(), "times": 101}),
    ]


@pytest.mark.parametrize("what", [b"", b"Doe^Jane", bytes(33)])
def test_a_node_that_was_taken_over_writes_no_text_of_its_own(tmp_path, what):
    with pytest.raises(PneumofedError) as caught:
        RefusedBundles(AuditLog(tmp_path)).record(what)
    assert caught.value.code == "task-unreadable" and AuditLog(tmp_path).entries() == []
