"""A line for each hospital: connected, its decision, its versions, its certificate, how fast it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal

from deploy.coordinator.status import days_until, versions_in_words
from deploy.coordinator.study_words import (
    NOT_APPROVED,
    asked_in_words,
    awaited_in_words,
    clock,
    reply_in_words,
)
from server.status import RUNS, StudyStatus
from server.study_result import RoundRecord
from shared_model.versions import CERTIFICATE_UNTIL

Mark = Literal["good", "wait", "bad", "idle"]

_SOON_DAYS = 30
_CONNECTION: Mapping[str, Mark] = {"online": "good", "offline": "bad", "shut out": "bad"}


@dataclass(frozen=True)
class Cell:
    """Words and the mark that stands before them."""

    words: str
    mark: Mark


@dataclass(frozen=True)
class HospitalRow:
    """One hospital. seconds: median of its answers to train requests; days: left of its certificate."""

    name: str
    role: str
    connection: Cell
    decision: Cell
    doing: str
    versions: str
    days: int | None
    soon: bool
    seconds: float | None
    last: str | None
    notices: tuple[str, ...]


def hospital_rows(
    document: Mapping[str, Any], study: StudyStatus | None, rounds: Sequence[RoundRecord]
) -> list[HospitalRow]:
    """In the order of federation.toml; decision and answers are about `study`."""
    return [_row(hospital, document["versions"], study, rounds) for hospital in document["hospitals"]]


def _row(
    hospital: Mapping[str, Any],
    versions: dict[str, str],
    study: StudyStatus | None,
    rounds: Sequence[RoundRecord],
) -> HospitalRow:
    name, told = hospital["name"], hospital["versions"]
    days = days_until(told[CERTIFICATE_UNTIL]) if CERTIFICATE_UNTIL in told else None
    answers = [record.train[name].seconds for record in rounds if _returned(record, name)]
    ended = [record.ended for record in rounds if _returned(record, name) and record.ended is not None]
    return HospitalRow(
        name=name,
        role=hospital["role"],
        connection=Cell(hospital["connection"], _CONNECTION.get(hospital["connection"], "idle")),
        decision=_decision(name, study),
        doing="" if study is None else _doing(name, study),
        versions=versions_in_words({k: v for k, v in told.items() if k != CERTIFICATE_UNTIL}, versions),
        days=days,
        soon=days is not None and days < _SOON_DAYS,
        seconds=median(answers) if answers else None,
        last=clock(ended[-1]) if ended else None,
        notices=() if study is None else study.notices.get(name, ()),
    )


def _returned(record: RoundRecord, name: str) -> bool:
    return name in record.train and record.train[name].status == "returned"


def _decision(name: str, study: StudyStatus | None) -> Cell:
    """What the hospital's people decided on the study, as far as it told."""
    if study is None:
        return Cell("no study", "idle")
    awaited, reply = study.awaited.get(name), study.hospitals.get(name)
    reason = awaited.reason if awaited is not None else reply.reason if reply is not None else None
    if reason == "paused":
        return Cell("paused", "wait")
    if reason in NOT_APPROVED:
        return Cell("waiting for approval", "wait")
    if reason in ("study-withdrawn", "study-declined"):
        return Cell({"study-withdrawn": "withdrawn", "study-declined": "declined"}[reason], "bad")
    if name in study.versions:  # it described itself, which needs its approval
        return Cell("approved", "good")
    return Cell("not known", "idle")


def _doing(name: str, study: StudyStatus) -> str:
    """What it is waited for, or did last."""
    if study.state in RUNS and (awaited := study.awaited.get(name)) is not None:
        return awaited_in_words(awaited)
    if study.state in RUNS and (asked := study.asked.get(name)) is not None:
        return f"{asked_in_words(asked)}, since {clock(asked.sent)}"
    reply = study.hospitals.get(name)
    return "" if reply is None else reply_in_words(reply)
