"""The chained log, by the audit log, against an attacker with an editor and against crashes."""

import errno
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from client.records.audit import AuditLog
from shared_model.errors import PneumofedError
from tests.support.processes import ROOT


@pytest.fixture
def log(tmp_path) -> AuditLog:
    log = AuditLog(tmp_path)
    for number in range(5):
        log.write("task", study=f"s{number}", bytes=number)
    return log


def assert_damaged(log: AuditLog) -> None:
    with pytest.raises(PneumofedError) as caught:
        log.entries()
    assert caught.value.code == "audit-damaged"


def test_a_whole_log_is_read_back_and_each_line_binds_the_one_before(log):
    entries = log.entries()
    assert [entry.facts for entry in entries] == [{"study": f"s{n}", "bytes": n} for n in range(5)]
    previous = "0" * 64
    for line in log.path.read_text().splitlines():
        fields = json.loads(line)
        assert fields["previous"] == previous
        body = [fields[name] for name in ("number", "time", "event", "facts", "previous")]
        previous = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        assert fields["hash"] == previous


def test_any_changed_byte_is_found(log):
    whole = log.path.read_bytes()
    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= 1
        log.path.write_bytes(changed)
        assert_damaged(log)
    log.path.write_bytes(whole)
    assert len(log.entries()) == 5


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: lines[1:],
        lambda lines: lines[:2] + lines[3:],
        lambda lines: lines[:-1],
        lambda lines: lines[:1],
        lambda lines: [],
        lambda lines: [lines[0], lines[2], lines[1], *lines[3:]],
        lambda lines: [*lines[:3], lines[2], *lines[3:]],
        lambda lines: [*lines, lines[-1]],
        lambda lines: [*lines[:-1], lines[-1].rstrip(b"\n")],
    ],
    ids=["first", "middle", "last", "most", "all", "swapped", "doubled", "repeated", "newline"],
)
def test_any_cut_or_move_is_found(log, change):
    log.path.write_bytes(b"".join(change(log.path.read_bytes().splitlines(keepends=True))))
    assert_damaged(log)


def test_a_log_without_its_head_is_found(log):
    log.head_path.unlink()
    assert_damaged(log)
    log.path.write_bytes(log.path.read_bytes().splitlines(keepends=True)[0])
    assert_damaged(log)


def test_a_crash_right_after_the_first_line_is_no_damage(tmp_path):
    log = AuditLog(tmp_path)
    log.write("task")
    log.head_path.write_text("0 " + "0" * 64 + "\n")
    assert len(log.entries()) == 1


def test_a_line_rewritten_with_its_hash_is_found(log):
    lines = log.path.read_text().splitlines()
    fields = json.loads(lines[2])
    fields["facts"]["bytes"] = 0
    body = [fields[name] for name in ("number", "time", "event", "facts", "previous")]
    fields["hash"] = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    lines[2] = json.dumps(fields)
    log.path.write_text("\n".join(lines) + "\n")
    assert_damaged(log)


def test_a_crash_between_line_and_head_is_no_damage(log):
    head = log.head_path.read_bytes()
    log.write("task", study="last")
    log.head_path.write_bytes(head)
    assert len(log.entries()) == 6
    assert log.write("task").number == 7


def test_a_line_that_a_crash_cut_short_is_dropped_by_the_next_write(log):
    with log.path.open("ab") as file:
        file.write(b'{"number": 6, "time"')
    assert_damaged(log)
    assert log.write("task").number == 6
    assert len(log.entries()) == 6


def test_many_processes_write_one_chain_that_is_whole_whenever_it_is_read(tmp_path):
    code = (
        "import sys, pathlib; from client.records.audit import AuditLog; "
        "[AuditLog(pathlib.Path(sys.argv[1])).write('task') for _ in range(20)]"
    )
    running = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)]) for _ in range(3)]
    while any(process.poll() is None for process in running):
        AuditLog(tmp_path).entries()
    assert [process.returncode for process in running] == [0, 0, 0]
    assert len(AuditLog(tmp_path).entries()) == 60


FULL = """
import json, resource, sys
from pathlib import Path
from client.error_redaction import code_of
from client.records.audit import AuditLog

log = AuditLog(Path(sys.argv[1]))
log.write("one")
before, code = log.path.read_bytes(), None
resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 30, resource.RLIM_INFINITY))
try:
    log.write("two")
except OSError as error:
    code = code_of(error)
same = log.path.read_bytes() == before
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
log.write("three")
print(json.dumps([code, same, [entry.event for entry in log.entries()]]))
"""


def test_a_line_that_finds_no_room_leaves_nothing(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == ["disk-full", True, ["one", "three"]]


def test_a_line_whose_head_is_in_place_stays_whatever_fails_then(tmp_path, monkeypatch):
    log, write_head = AuditLog(tmp_path), AuditLog._write_head
    log.write("one")

    def failing(*arguments):
        write_head(*arguments)
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(AuditLog, "_write_head", failing)
        with pytest.raises(OSError, match="Input"):
            log.write("two")
    assert [entry.event for entry in log.entries()] == ["one", "two"]


def test_a_line_whose_head_finds_no_room_leaves_nothing(tmp_path, monkeypatch):
    log = AuditLog(tmp_path)
    log.write("one")
    before = log.path.read_bytes()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(AuditLog, "_write_head", full)
        for _ in range(2):
            with pytest.raises(OSError, match="No space"):
                log.write("two")
    assert log.path.read_bytes() == before
    log.write("three")
    assert [entry.event for entry in log.entries()] == ["one", "three"]


def test_a_log_that_is_begun_while_it_is_read_is_whole(tmp_path, monkeypatch):
    log, exists = AuditLog(tmp_path), Path.exists

    def begun_meanwhile(path, **options):
        found = exists(path, **options)
        if path == log.path and not found:
            monkeypatch.undo()
            AuditLog(tmp_path).write("begun")
        return found

    monkeypatch.setattr(Path, "exists", begun_meanwhile)
    assert log.entries() == []
    assert [entry.event for entry in log.entries()] == ["begun"]


def test_the_last_line_and_lines_seen_elsewhere_are_found(log, tmp_path):
    entries = log.entries()
    assert log.last() == entries[-1] and AuditLog(tmp_path / "none").last() is None
    assert all(log.holds(entry.number, entry.hash) for entry in entries)
    assert not log.holds(6, entries[-1].hash) and not log.holds(0, entries[-1].hash)
    assert not log.holds(4, entries[-1].hash)
    text = log.path.read_text().replace('"bytes": 2', '"bytes": 9')
    log.path.write_text(text)
    assert not log.holds(3, entries[2].hash) and log.holds(2, entries[1].hash)
