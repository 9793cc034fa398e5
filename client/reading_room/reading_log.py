"""What readers said of studies: first without the model, then of its verdict."""

import sqlite3
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from client.reading_room.database import Database
from client.reading_room.model_verdict import ModelVerdict
from shared_model.constants import LABELS, Label
from shared_model.errors import PneumofedError

CONFIDENCE_WORDS = {1: "a guess", 2: "unsure", 3: "fairly sure", 4: "sure", 5: "certain"}
"""How sure a reader is, and what the form calls it."""
LONGEST_COMMENT = 2000


@dataclass(frozen=True)
class Answer:
    """What a reader says of a scan. confidence: a key of CONFIDENCE_WORDS.

    Raises PneumofedError `answer-invalid`.
    """

    label: Label
    confidence: int
    comment: str = ""

    def __post_init__(self) -> None:
        if self.label not in LABELS or self.confidence not in CONFIDENCE_WORDS:
            raise PneumofedError("answer-invalid", "choose what the scan shows, and how sure you are, 1 to 5")
        check_comment(self.comment)


@dataclass(frozen=True)
class Reading:
    """One reader's answer on one diagnosis of a study, as in `Database`.

    blinded: nothing that a model said of the study had been shown. seconds: from the first opening to the
    answer. agrees: with the model's verdict; None if the reader has not said. remark: on that. Times are UTC.
    """

    reader: str
    study: str
    made_of: str
    model: str
    weights_sha256: str
    model_label: Label
    blinded: bool
    label: Label
    confidence: int
    comment: str
    seconds: float
    answered: str
    agrees: bool | None = None
    remark: str = ""
    agreed: str | None = None


class ReadingLog:
    """The readings in a database. A study's name is the inbox's; `made_of` tells its diagnoses apart."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._shown: set[str] = set()

    def open(self, reader: str, study: str, made_of: str) -> None:
        """Note when a reader opened this diagnosis of a study for the first time."""
        with self._database.writing() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO openings VALUES (?, ?, ?, ?)", (reader, study, made_of, time.time())
            )

    def was_opened(self, reader: str, study: str, made_of: str) -> bool:
        """Whether the reader has opened this diagnosis of a study."""
        with self._database.reading() as connection:
            query = "SELECT 1 FROM openings WHERE reader = ? AND study = ? AND made_of = ?"
            return connection.execute(query, (reader, study, made_of)).fetchone() is not None

    def show_to_all(self, studies: set[str]) -> None:
        """Note that what a model said of these studies was shown to whoever looked."""
        if studies <= self._shown:
            return
        self._shown |= studies
        with self._database.writing() as connection:
            connection.executemany("INSERT OR IGNORE INTO shown VALUES (?)", [(one,) for one in studies])

    def answer(
        self, reader: str, study: str, verdict: ModelVerdict, answer: Answer, *, blinded: bool
    ) -> None:
        """Keep a reader's answer. blinded: whether the room is; the reading is not if the model was shown.

        Raises PneumofedError `already-answered`.
        """
        now = time.time()
        with self._database.writing() as connection:
            opened = connection.execute(
                "SELECT opened FROM openings WHERE reader = ? AND study = ? AND made_of = ?",
                (reader, study, verdict.made_of),
            ).fetchone()
            values = {
                "reader": reader,
                "study": study,
                "made_of": verdict.made_of,
                "model": verdict.model,
                "weights_sha256": verdict.weights_sha256,
                "model_label": verdict.label,
                "blinded": blinded and not _was_shown(connection, reader, study),
                "label": answer.label,
                "confidence": answer.confidence,
                "comment": answer.comment,
                "seconds": round(max(0.0, now - opened["opened"]), 1) if opened else 0.0,
                "answered": _utc(now),
            }
            names = ", ".join(values)
            marks = ", ".join(f":{name}" for name in values)
            try:
                connection.execute(f"INSERT INTO readings ({names}) VALUES ({marks})", values)
            except sqlite3.IntegrityError:
                raise PneumofedError(
                    "already-answered", "you have answered on this scan; the first answer counts"
                ) from None

    def agree(self, reader: str, study: str, made_of: str, *, agrees: bool, remark: str) -> None:
        """Keep whether the reader agrees with the model.

        Raises PneumofedError `not-answered`, `already-answered`.
        """
        check_comment(remark)
        with self._database.writing() as connection:
            changed = connection.execute(
                "UPDATE readings SET agrees = ?, remark = ?, agreed = ? "
                "WHERE reader = ? AND study = ? AND made_of = ? AND agrees IS NULL",
                (agrees, remark, _utc(time.time()), reader, study, made_of),
            ).rowcount
        if not changed:
            if self.find(reader, study, made_of) is None:
                raise PneumofedError("not-answered", "answer what you see yourself first")
            raise PneumofedError("already-answered", "you have said so on this scan; the first answer counts")

    def find(self, reader: str, study: str, made_of: str) -> Reading | None:
        """A reader's reading of this diagnosis of a study."""
        found = self._select("WHERE reader = ? AND study = ? AND made_of = ?", reader, study, made_of)
        return found[0] if found else None

    def of_reader(self, reader: str) -> dict[tuple[str, str], Reading]:
        """A reader's readings by study and made_of."""
        return {(one.study, one.made_of): one for one in self._select("WHERE reader = ?", reader)}

    def count(self, reader: str) -> tuple[int, int]:
        """How many answers of the reader there are, and how many words on the model."""
        with self._database.reading() as connection:
            query = "SELECT COUNT(*), COUNT(agrees) FROM readings WHERE reader = ?"
            answers, agreements = connection.execute(query, (reader,)).fetchone()
        return answers, agreements

    def all(self) -> list[Reading]:
        """All readings in the order of their answers."""
        return self._select("")

    def _select(self, where: str, *values: str) -> list[Reading]:
        with self._database.reading() as connection:
            rows = connection.execute(f"SELECT * FROM readings {where} ORDER BY id", values).fetchall()
        return [_reading(row) for row in rows]


def check_comment(comment: str) -> None:
    """Raises PneumofedError `comment-too-long`."""
    if len(comment) > LONGEST_COMMENT:
        raise PneumofedError("comment-too-long", f"shorten the comment to {LONGEST_COMMENT} characters")


def _was_shown(connection: sqlite3.Connection, reader: str, study: str) -> bool:
    """Whether the reader can have seen what a model said of the study: as all could, or after an answer."""
    shown = connection.execute("SELECT 1 FROM shown WHERE study = ?", (study,)).fetchone()
    answered = connection.execute(
        "SELECT 1 FROM readings WHERE reader = ? AND study = ?", (reader, study)
    ).fetchone()
    return shown is not None or answered is not None


def _reading(row: sqlite3.Row) -> Reading:
    values = dict(row)
    del values["id"]
    agrees = None if values["agrees"] is None else bool(values["agrees"])
    return Reading(**values | {"blinded": bool(values["blinded"]), "agrees": agrees})


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
