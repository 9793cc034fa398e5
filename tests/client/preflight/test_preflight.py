"""`pneumofed hospital preflight`: its rows and its exit code."""

import json
import os

import pytest

from client.hospital_settings import load_hospital_settings
from client.preflight.check_result import ok
from deploy.commands.root import main
from tests.support.stores import disk_store, scan_of


def run(capsys, *arguments: object) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return ended.value.code, capsys.readouterr().out


def test_the_command_ends_with_one_where_something_fails_and_changes_nothing(site, capsys):
    before = sorted(os.listdir(site.parent))
    code, out = run(capsys, "hospital", "preflight", "--site", site, "--json")
    document = json.loads(out)
    failed = {row["check"] for row in document["rows"] if row["state"] == "fail"}
    assert code == 1 and not document["ok"] and failed == {"store", "connection"}
    assert all(set(row) == {"check", "state", "found", "remedy"} for row in document["rows"])
    assert all(row["remedy"] for row in document["rows"] if row["state"] != "ok")
    assert sorted(os.listdir(site.parent)) == before
    code, out = run(capsys, "hospital", "preflight", "--site", site)
    assert code == 1 and len(out.splitlines()) == len(document["rows"])


def test_the_command_ends_with_zero_where_nothing_fails(site, capsys, monkeypatch):
    disk_store(load_hospital_settings(site).store, [scan_of("a", "covid")])
    monkeypatch.setattr("client.preflight.preflight.check_network", lambda *_: [])
    monkeypatch.setattr("client.preflight.preflight.check_admission", lambda *_: ok("admission", ""))
    assert run(capsys, "hospital", "preflight", "--site", site)[0] == 0
