"""reading.sqlite: versions, writers side by side, and what is there after a kill."""

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from client.reading_room import database
from client.reading_room.database import DATABASE, Database
from shared_model.errors import PneumofedError
from tests.support.processes import ROOT

_WRITER = """
import sys
from pathlib import Path
from client.reading_room.reading_log import ReadingLog
from client.reading_room.database import Database
log = ReadingLog(Database(Path(sys.argv[1])))
for number in range(100_000):
    log.open("ada", f"study-{number}", "m")
    print(number, flush=True)
"""


def test_it_is_its_owners_alone(tmp_path: Path) -> None:
    found = Database(tmp_path / "reading")
    with found.writing() as connection:
        connection.execute("INSERT INTO shown VALUES ('s')")
    for path in (tmp_path / "reading", *(tmp_path / "reading").iterdir()):
        assert not path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO), path


def test_what_was_confirmed_is_there_after_a_kill(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _WRITER, tmp_path], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    confirmed = [int(process.stdout.readline()) for _ in range(20)]
    process.send_signal(signal.SIGKILL)
    confirmed += [int(line) for line in process.stdout.read().split() if line]
    process.wait()
    process.stdout.close()
    with Database(tmp_path).reading() as connection:
        (count,) = connection.execute("SELECT COUNT(*) FROM openings").fetchone()
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    assert len(confirmed) <= count <= len(confirmed) + 1


def test_threads_write_side_by_side(tmp_path: Path) -> None:
    found, failures = Database(tmp_path), []

    def write() -> None:
        try:
            for _ in range(20):
                with found.writing() as connection:  # reads first, so that it must wait before it reads
                    (count,) = connection.execute("SELECT COUNT(*) FROM shown").fetchone()
                    connection.execute("INSERT INTO shown VALUES (?)", (str(count),))
        except sqlite3.Error as error:
            failures.append(error)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with found.reading() as connection:
        assert connection.execute("SELECT COUNT(*) FROM shown").fetchone()[0] == 80
    assert not failures


def test_a_block_that_fails_changes_nothing(tmp_path: Path) -> None:
    found = Database(tmp_path)
    with pytest.raises(RuntimeError), found.writing() as connection:
        connection.execute("INSERT INTO shown VALUES ('s')")
        raise RuntimeError
    with found.reading() as connection:
        assert connection.execute("SELECT COUNT(*) FROM shown").fetchone()[0] == 0


def test_an_older_version_is_brought_up_to_date_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Database(tmp_path).writing() as connection:
        connection.execute("INSERT INTO shown VALUES ('s')")
    later = (*database._VERSIONS, "ALTER TABLE shown ADD COLUMN why TEXT; CREATE TABLE more (a TEXT) STRICT;")
    monkeypatch.setattr(database, "_VERSIONS", later)
    for _ in range(2):
        with Database(tmp_path).reading() as connection:
            assert tuple(connection.execute("SELECT study, why FROM shown").fetchone()) == ("s", None)
            assert connection.execute("PRAGMA user_version").fetchone()[0] == len(later)


def test_a_newer_version_is_refused(tmp_path: Path) -> None:
    with Database(tmp_path).writing() as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(PneumofedError) as refusal:
        Database(tmp_path)
    assert refusal.value.code == "reading-too-new"


def test_what_is_no_database_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / DATABASE).write_bytes(b"no database at all, but long enough" * 100)
    with pytest.raises(PneumofedError) as refusal:
        Database(tmp_path)
    assert refusal.value.code == "reading-unusable"
    assert os.path.getsize(tmp_path / DATABASE) == 3500
