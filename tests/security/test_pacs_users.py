"""Receiver, worker, delivery and reading room as three users: each reads what it needs, and nothing else."""

import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.diagnosed_scans import write_series
from tests.support.orthanc import free_port
from tests.support.other_users import reachable_by_all, run_as
from tests.support.pacs import write_model, write_settings
from tests.support.processes import pneumofed

pytestmark = pytest.mark.ci

PACS, READING, DELIVER = 1_200_011, 1_200_012, 1_200_013
# As docs/pacs.md has them: user, group and mode of each folder.
FOLDERS = {
    "inbox": (PACS, READING, 0o2750),
    "results": (READING, DELIVER, 0o2750),
    "delivery": (DELIVER, DELIVER, 0o700),
    "reading": (READING, READING, 0o700),
}
_RECEIVE = """
import os, shutil, sys
from pathlib import Path
from client.pacs.inbox import Inbox
os.umask(0o027)
inbox = Inbox(Path(sys.argv[2]))
for image in sorted(Path(sys.argv[1]).iterdir()):
    os.close(os.open(inbox.incoming / image.name, os.O_CREAT | os.O_WRONLY, 0o600))  # as pynetdicom does
    shutil.copyfile(image, inbox.incoming / image.name)
    study = inbox.take(inbox.incoming / image.name)
inbox.mark_complete(study)
"""


@pytest.fixture
def hospital() -> Iterator[Path]:
    """In a folder that every user may enter, as none of pytest's is."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    try:
        write_series(folder / "scan")
        write_model(folder / "model")
        write_settings(folder, dicom=free_port())
        for name, (user, group, mode) in FOLDERS.items():
            (folder / name).mkdir()
            os.chown(folder / name, user, group)
            (folder / name).chmod(mode)
        for path in (folder / "model").iterdir():
            path.chmod(0o644)
        yield folder
    finally:
        shutil.rmtree(folder)


def as_user(user: int, *command: object) -> subprocess.CompletedProcess:
    return run_as(user, user, [str(word) for word in command], reachable_by_all())


def test_each_user_reaches_what_it_needs_and_nothing_else(hospital: Path) -> None:
    python = pneumofed()[0]
    received = as_user(PACS, python, "-c", _RECEIVE, hospital / "scan", hospital / "inbox")
    assert received.returncode == 0, received.stderr
    pacs = hospital / "pacs.toml"
    diagnosed = as_user(READING, *pneumofed("hospital", "diagnose", "--pacs", pacs, "--once"))
    assert diagnosed.returncode == 0 and "diagnosed after" in diagnosed.stderr, diagnosed.stderr
    delivered = as_user(DELIVER, *pneumofed("hospital", "deliver", "--pacs", pacs, "--once"))
    assert delivered.returncode == 0 and "not delivered (unreachable)" in delivered.stderr, delivered.stderr
    listed_readers = as_user(READING, *pneumofed("hospital", "reader", "list", "--pacs", pacs))
    assert listed_readers.returncode == 0, listed_readers.stderr

    held = [path for name in FOLDERS for path in (hospital / name).rglob("*")]
    assert held and not [path for path in held if path.stat().st_mode & stat.S_IRWXO]

    closed = {
        (user, name): as_user(user, "find", hospital / name, "-type", "f", "!", "-readable")
        for user in (PACS, READING, DELIVER)
        for name in FOLDERS
    }
    listed = {place for place, done in closed.items() if done.returncode == 0}
    assert listed == {(PACS, "inbox"), (READING, "inbox")} | {
        (READING, "results"), (DELIVER, "results"), (DELIVER, "delivery"), (READING, "reading"),
    }  # fmt: skip
    # The key of the names is the receiver's alone.
    assert {Path(line).name for line in closed[READING, "inbox"].stdout.splitlines()} == {".key", ".lock"}
    assert not [closed[place].stdout for place in listed - {(READING, "inbox")} if closed[place].stdout]
    writes = {
        (user, name)
        for user in (PACS, READING, DELIVER)
        for name in FOLDERS
        if as_user(user, "touch", hospital / name / "new").returncode == 0
    }
    assert writes == {(PACS, "inbox"), (READING, "results"), (DELIVER, "delivery"), (READING, "reading")}
