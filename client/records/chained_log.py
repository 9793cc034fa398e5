"""Append-only logs on a hospital's disk; each line contains the hash of the line before.

    STATE/NAME.jsonl    one JSON object a line: number, time, event, facts, previous, hash
    STATE/NAME.head     number and hash of the last line, which reveals a truncated log

A changed or missing line breaks the chain. Whoever can write both files can forge a whole new log; a hash
recorded elsewhere reveals that too.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from shared_model.errors import PneumofedError
from shared_model.file_lock import exclusive, shared
from shared_model.files import write_atomically

FIRST = "0" * 64
"""The `previous` of the first line."""

_LONGEST_LINE = 2**20

FIELDS = ("number", "time", "event", "facts", "previous", "hash")


@dataclass(frozen=True)
class Entry:
    """One line of a log. facts: counts, hashes, codes and names of settings; nothing about a patient."""

    number: int
    time: str
    event: str
    facts: dict[str, Any]
    previous: str
    hash: str

    @classmethod
    def following(cls, previous: "Entry | None", event: str, facts: Mapping[str, Any]) -> "Entry":
        """The line after `previous`, or the first one, with the time of now."""
        number, before = (1, FIRST) if previous is None else (previous.number + 1, previous.hash)
        time = datetime.now(UTC).isoformat(timespec="milliseconds")
        body = [number, time, event, dict(facts), before]
        return cls(number, time, event, dict(facts), before, _hash(body))

    @property
    def is_sound(self) -> bool:
        """Whether the hash is that of the other fields."""
        return self.hash == _hash([self.number, self.time, self.event, self.facts, self.previous])

    def to_line(self) -> bytes:
        return json.dumps({name: getattr(self, name) for name in FIELDS}, allow_nan=False).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> "Entry":
        """Inverse of `to_line`; raises ValueError for anything else."""
        entry = json.loads(line)
        if not isinstance(entry, dict) or tuple(entry) != FIELDS or not line.endswith(b"\n"):
            raise ValueError("not a line of a log")
        return cls(**entry)


class ChainedLog:
    """The log `name` in the state folder; several processes may write. OSErrors are passed on."""

    def __init__(self, state: Path, name: str) -> None:
        self.path, self.head_path, self._name = state / f"{name}.jsonl", state / f"{name}.head", name

    def write(self, event: str, **facts: Any) -> Entry:
        """Append one line, durable when this returns; nothing of it remains if the disk is full.

        Raises PneumofedError `NAME-damaged`.
        """
        with self._locked() as file:
            last = self._last(file)
            if last is None:
                self._write_head(0, FIRST)  # from now on, a log without a head has been tampered with
            entry = Entry.following(last, event, facts)
            line = entry.to_line()
            if len(line) > _LONGEST_LINE:
                raise ValueError(f"a line of a log is no longer than {_LONGEST_LINE} bytes")
            end = file.seek(0, os.SEEK_END)
            try:
                _write_whole(file, line)
                os.fsync(file.fileno())
                self._write_head(entry.number, entry.hash)
            except OSError:
                if self.head_path.read_text() != _head(entry.number, entry.hash):
                    file.truncate(end)  # otherwise the head already names this line
                raise
            return entry

    def entries(self) -> list[Entry]:
        """All lines, verified. Raises PneumofedError `NAME-damaged` at the first wrong or missing one."""
        lines, head = self._read()
        entries: list[Entry] = []
        before = FIRST
        for number in range(1, len(lines) + 1):
            entry = self._entry(lines, number)
            if (entry.number, entry.previous) != (number, before) or not entry.is_sound:
                raise self._damaged(f"line {number} was changed, or lines before it are missing")
            entries.append(entry)
            before = entry.hash
        self._check_head(entries, head)
        return entries

    def last(self) -> Entry | None:
        """The last line, without the verification of those before. Raises PneumofedError `NAME-damaged`."""
        lines, _ = self._read()
        return self._entry(lines, len(lines)) if lines else None

    def holds(self, number: int, digest: str) -> bool:
        """Whether the line of this number has this hash, and deserves it. Raises `NAME-damaged`."""
        lines, _ = self._read()
        if not 1 <= number <= len(lines):
            return False
        entry = self._entry(lines, number)
        return (entry.number, entry.hash) == (number, digest) and entry.is_sound

    def _entry(self, lines: list[bytes], number: int) -> Entry:
        try:
            return Entry.from_line(lines[number - 1])
        except (ValueError, TypeError):
            raise self._damaged(f"line {number} cannot be read") from None

    def _read(self) -> tuple[list[bytes], str | None]:
        """Lines and head, read under a lock: they do not match while another process writes."""
        head = self._read_head()  # first: a writer creates the log before its head
        if not self.path.exists():
            return [], head
        with shared(self.path) as handle, os.fdopen(handle, "rb", closefd=False) as file:
            return file.read().splitlines(keepends=True), self._read_head()

    def _read_head(self) -> str | None:
        return self.head_path.read_text() if self.head_path.exists() else None

    def _write_head(self, number: int, digest: str) -> None:
        write_atomically(self.head_path, _head(number, digest).encode(), mode=0o600)

    def _check_head(self, entries: list[Entry], head: str | None) -> None:
        """The head must name the last line, or the one before it if a crash came between the two writes."""
        if head is None:
            if entries:
                raise self._damaged(f"{self.head_path.name} is missing")
            return
        number, _, digest = head.strip().partition(" ")
        ends = [("0", FIRST), *((str(entry.number), entry.hash) for entry in entries)][-2:]
        if (number, digest) not in ends:
            raise self._damaged(f"it should end with line {number}; lines at the end are missing or changed")

    def _last(self, file: Any) -> Entry | None:
        """The last line. An incomplete line, left by a crash, is removed: nothing was done on its account."""
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _LONGEST_LINE))
        tail = file.read()
        if tail and not tail.endswith(b"\n"):
            kept = tail.rfind(b"\n") + 1
            file.truncate(size - (len(tail) - kept))
            tail = tail[:kept]
        if not tail:
            return None
        try:
            return Entry.from_line(tail.splitlines(keepends=True)[-1])
        except (ValueError, TypeError):
            raise self._damaged("its last line cannot be read") from None

    def _damaged(self, what: str) -> PneumofedError:
        return PneumofedError(
            f"{self._name}-damaged",
            f"the {self._name} log was tampered with or damaged: {what}; compare it with a backup",
        )

    @contextmanager
    def _locked(self) -> Iterator[Any]:
        """The log's file, unbuffered, held alone."""
        with exclusive(self.path) as handle, os.fdopen(handle, "r+b", buffering=0, closefd=False) as file:
            yield file


def _head(number: int, digest: str) -> str:
    return f"{number} {digest}\n"


def _write_whole(file: Any, line: bytes) -> None:
    """Write all of `line`: a nearly full disk takes only a part, and reports it in the count alone."""
    while line:
        line = line[file.write(line) :]


def _hash(body: list[Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True, allow_nan=False).encode()).hexdigest()
