"""What the trainer tells the hospital's page: counts under floors, audit rows, words. No path, no scan.

Trainer and page check the same types, so that neither shows what has another form.
"""

from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from client.preflight.check_result import State
from client.trainer.approvals import Decision
from shared_model.errors import PneumofedError
from shared_model.printable_text import PrintableName, PrintableText
from shared_model.protocol import Role

LONGEST_DOCUMENT = 2 * 2**20
"""Characters of any document below."""

MOST_ROWS, MOST_LINES, MOST_DAYS = 500, 500, 366

Text = Annotated[str, Field(max_length=2000)]
Fingerprint = Annotated[str, Field(pattern=r"^[0-9a-z]{4}(-[0-9a-z]{4}){3}$")]
Count = Annotated[int, Field(ge=0)]
ToldCount = Count | None
"""None: fewer than the floor, zero included."""


Document = TypeVar("Document", bound=BaseModel)


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Check(_Frozen):
    """One preflight check, as client.preflight.check_result has it."""

    check: Text
    state: State
    found: Text
    remedy: Text


class ScanCounts(_Frozen):
    """Of the store. patients: by label; doubtful: scans by what is doubtful; refused: studies by code."""

    patients: dict[Text, ToldCount]
    doubtful: dict[Text, ToldCount]
    refused: dict[Text, ToldCount]
    problem: Text | None = Field(None, description="Code of what kept the scans from being counted.")


class Look(_Frozen):
    """What was found when machine and store were looked at last; at: seconds since 1970."""

    at: float
    checks: tuple[Check, ...]
    scans: ScanCounts


class Machine(_Frozen):
    """load: runnable processes over a minute; memory and disk in bytes; gpu: in words, if one is used."""

    load: float
    cores: Count
    memory_free: Count
    memory_total: Count
    disk_free: Count
    disk_total: Count
    gpu: Text | None


class Running(_Frozen):
    """The task that runs. stage: its name, from the study; round and rounds: within the stage; since: ISO."""

    task: Text
    study: Text
    fingerprint: Text
    stage: Text | None
    round: Count | None
    rounds: Count | None
    since: Text


class Study(_Frozen):
    """A proposed study; approved_at: seconds since 1970."""

    fingerprint: Fingerprint
    name: Text
    decision: Decision
    approved_at: float | None
    agreed_by: Text | None


class Left(_Frozen):
    """What left on one day in answers to one kind of task: bytes as the audit log has them."""

    day: Text
    task: Text
    answers: Count
    bytes: Count


class AuditState(_Frozen):
    """problem: None if the chain is whole; head: hash of the last line."""

    lines: Count
    head: Text | None
    problem: Text | None


class Connection(_Frozen):
    """The node's, if this process may see it; last_contact: the last request that came through it, ISO."""

    state: Literal["connected", "trying", "refused", "not-running", "not-seen"]
    since: float | None
    last_contact: Text | None


class Overview(_Frozen):
    """How the hospital stands. settings: without paths and keys."""

    name: PrintableName
    role: Role
    count_floor: Count
    four_eyes: bool
    versions: dict[Text, Text]
    settings: dict[Text, Text]
    paused: bool
    running: Running | None
    connection: Connection
    machine: Machine
    looking: bool
    look: Look | None
    audit: AuditState
    left: Annotated[tuple[Left, ...], Field(max_length=MOST_DAYS * 8)]
    studies: Annotated[tuple[Study, ...], Field(max_length=10_000)]
    damaged: tuple[Text, ...]


class Section(_Frozen):
    """One part of what is approved, as `hospital approve` shows it."""

    title: Text
    lines: tuple[Annotated[str, Field(max_length=4000)], ...]


class Privacy(_Frozen):
    """Of a study that trains with noise."""

    epsilon: float
    delta: float
    spent: float


class Row(_Frozen):
    """One row of the audit log, as it is there."""

    number: Count
    time: Text
    event: Text
    facts: dict[Text, JsonValue]


class StudyDocument(_Frozen):
    """What people read before they decide; proposed: ISO; decisions: rows of the audit log."""

    study: Study
    words: Text
    proposed: Text | None
    asked_by: Text
    sections: tuple[Section, ...]
    privacy: Privacy | None
    decisions: Annotated[tuple[Row, ...], Field(max_length=MOST_ROWS)]


class Records(_Frozen):
    """rows: the last of the audit log, the latest first; lines: of the trainer's log, the latest first."""

    rows: Annotated[tuple[Row, ...], Field(max_length=MOST_ROWS)]
    lines: Annotated[tuple[Text, ...], Field(max_length=MOST_LINES)]


class Person(_Frozen):
    """Who decides, and why."""

    name: PrintableName
    reason: Annotated[PrintableText, Field(min_length=1)]


def parsed(kind: type[Document], text: str) -> Document:
    """The document in `text`. Raises PneumofedError `control-unreadable`."""
    try:
        if len(text) > LONGEST_DOCUMENT:
            raise ValueError("too long")
        return kind.model_validate_json(text)
    except (ValidationError, ValueError):
        raise PneumofedError(
            "control-unreadable", "the trainer tells something else; page and trainer need the same version"
        ) from None
