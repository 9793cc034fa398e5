"""Readers: names, and passwords as scrypt hashes (RFC 7914)."""

import base64
import hashlib
import hmac
import re
import secrets
import sqlite3
import threading
from dataclasses import dataclass
from datetime import UTC, datetime

from client.reading_room.database import Database
from shared_model.errors import PneumofedError

SHORTEST, LONGEST = 10, 200
"""Characters of a password."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_N, _R, _P = 1 << 15, 8, 1  # 32 MiB, a tenth of a second
_ONE_AT_A_TIME = threading.Lock()  # bounds the memory of logins


@dataclass(frozen=True)
class Reader:
    """A reader; stamp changes with the password."""

    name: str
    added: str
    stamp: str


class Accounts:
    """The readers in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._nobody = _hashed(secrets.token_urlsafe())  # an unknown name takes as long as a known one

    def add(self, name: str, password: str) -> None:
        """Add a reader; one that was removed comes back with their readings.

        Raises PneumofedError `reader-name-invalid`, `password-weak`, `reader-exists`.
        """
        if not _NAME.fullmatch(name):
            raise PneumofedError(
                "reader-name-invalid",
                "a name has letters, digits and ._- only, 63 at most, the first no ._-",
            )
        _check(password, name)
        with self._database.writing() as connection:
            if _row(connection, name) is not None:
                raise PneumofedError("reader-exists", f"{name} is a reader; change it by `reader password`")
            connection.execute(
                "INSERT INTO readers (name, password, added) VALUES (?, ?, ?) "
                "ON CONFLICT (name) DO UPDATE SET password = excluded.password, removed = NULL",
                (name, _hashed(password), _now()),
            )

    def remove(self, name: str) -> None:
        """End a reader's logins and sessions; the readings stay. Raises PneumofedError `reader-unknown`."""
        self._change(name, "removed", _now())

    def set_password(self, name: str, password: str) -> None:
        """Also ends open sessions. Raises PneumofedError `reader-unknown`, `password-weak`."""
        _check(password, name)
        self._change(name, "password", _hashed(password))

    def _change(self, name: str, column: str, value: str) -> None:
        with self._database.writing() as connection:
            if _row(connection, name) is None:
                raise PneumofedError("reader-unknown", f"there is no reader {name}; `reader list` names them")
            connection.execute(f"UPDATE readers SET {column} = ? WHERE name = ?", (value, name))

    def readers(self) -> list[Reader]:
        """All readers that may log in, by name."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT * FROM readers WHERE removed IS NULL ORDER BY name")
            return [_reader(row) for row in rows]

    def find(self, name: str) -> Reader | None:
        """The reader of this name, if they may log in."""
        with self._database.reading() as connection:
            row = _row(connection, name)
        return None if row is None else _reader(row)

    def log_in(self, name: str, password: str) -> Reader | None:
        """The reader if the password is theirs; None if not, or if nobody has the name."""
        with self._database.reading() as connection:
            row = _row(connection, name)
        right = _is_password(password, self._nobody if row is None else row["password"])
        return _reader(row) if row is not None and right else None


def _row(connection: sqlite3.Connection, name: str) -> sqlite3.Row | None:
    found: sqlite3.Row | None = connection.execute(
        "SELECT * FROM readers WHERE name = ? AND removed IS NULL", (name,)
    ).fetchone()
    return found


def _reader(row: sqlite3.Row) -> Reader:
    return Reader(row["name"], row["added"], hashlib.sha256(row["password"].encode()).hexdigest())


def _check(password: str, name: str) -> None:
    if not SHORTEST <= len(password) <= LONGEST or name.casefold() in password.casefold():
        raise PneumofedError(
            "password-weak", f"a password has {SHORTEST} to {LONGEST} characters and not the name in it"
        )


def _hashed(password: str) -> str:
    """`scrypt$N$r$p$salt$hash`, salt and hash in base64."""
    salt = secrets.token_bytes(16)
    parts = (base64.b64encode(one).decode() for one in (salt, _scrypt(password, salt, _N, _R, _P)))
    return "$".join(("scrypt", str(_N), str(_R), str(_P), *parts))


def _is_password(password: str, hashed: str) -> bool:
    _, n, r, p, salt, expected = hashed.split("$")
    found = _scrypt(password, base64.b64decode(salt), int(n), int(r), int(p))
    return hmac.compare_digest(found, base64.b64decode(expected))


def _scrypt(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    with _ONE_AT_A_TIME:
        return hashlib.scrypt(password.encode(), salt=salt, n=n, r=r, p=p, maxmem=256 * n * r, dklen=32)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
