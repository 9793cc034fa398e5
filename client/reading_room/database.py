"""reading.sqlite: readers and what they said. Killed at any time, it holds every answer that was confirmed.

    readers    name and password hash; one that was removed keeps the name of the readings
    openings   when a reader first opened a study, and of which diagnosis
    readings   what a reader said of a study, then of the model's verdict
    shown      studies whose diagnosis was shown to all, as the room was not blinded

made_of names a diagnosis: files of the study, weights and card of the model. Nothing of a header is in it.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from shared_model.errors import PneumofedError

DATABASE = "reading.sqlite"
_WAIT_S = 10.0  # for another process that writes

_VERSIONS = (
    """
    CREATE TABLE readers (
        name TEXT PRIMARY KEY, password TEXT NOT NULL, added TEXT NOT NULL, removed TEXT
    ) STRICT;
    CREATE TABLE openings (
        reader TEXT NOT NULL, study TEXT NOT NULL, made_of TEXT NOT NULL, opened REAL NOT NULL,
        PRIMARY KEY (reader, study, made_of)
    ) STRICT;
    CREATE TABLE readings (
        id INTEGER PRIMARY KEY, reader TEXT NOT NULL, study TEXT NOT NULL, made_of TEXT NOT NULL,
        model TEXT NOT NULL, weights_sha256 TEXT NOT NULL, model_label TEXT NOT NULL,
        blinded INTEGER NOT NULL, label TEXT NOT NULL, confidence INTEGER NOT NULL, comment TEXT NOT NULL,
        seconds REAL NOT NULL, answered TEXT NOT NULL,
        agrees INTEGER, remark TEXT NOT NULL DEFAULT '', agreed TEXT,
        UNIQUE (reader, study, made_of)
    ) STRICT;
    CREATE TABLE shown (study TEXT PRIMARY KEY) STRICT;
    """,
)
"""Each brings the schema from the version before to the next."""


class Database:
    """The database in `folder`, which is made; one connection an operation, so any number of threads."""

    def __init__(self, folder: Path) -> None:
        """Raises PneumofedError `reading-too-new`, `reading-unusable`; OSError."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = folder / DATABASE
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        try:
            with self.writing() as connection:
                self._bring_up_to_date(connection)
        except sqlite3.DatabaseError as error:
            raise PneumofedError(
                "reading-unusable", f"{self.path}: {error}; put a backup in its place, or move it away"
            ) from None

    def _bring_up_to_date(self, connection: sqlite3.Connection) -> None:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > len(_VERSIONS):
            raise PneumofedError(
                "reading-too-new",
                f"{self.path}: is of a newer pneumofed; install that version, or name another folder",
            )
        for number, script in enumerate(_VERSIONS[version:], start=version + 1):
            for statement in filter(str.strip, script.split(";")):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection; rows by column name. What the block reads is of one moment."""
        with closing(self._connect()) as connection:
            connection.execute("BEGIN")
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A connection that nobody else writes beside; on disk when the block ends, nothing if it raises."""
        with closing(self._connect()) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=_WAIT_S, isolation_level=None)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        return connection
