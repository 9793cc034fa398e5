"""Hospital by round: who returned, was asked again, was refused, was absent, and why."""

from collections.abc import Sequence
from dataclasses import dataclass

from deploy.coordinator.study_words import asked_in_words, awaited_in_words, reply_in_words
from server.status import RUNS, StudyStatus
from server.study_result import HospitalOutcome, RoundRecord

SHOWN = 60  # rounds: more do not fit a page

SYMBOLS = {
    "returned": "✓",
    "asked": "…",
    "late": "L",
    "refused": "R",
    "failed": "F",
    "absent": "–",
    "quarantined": "Q",
    "none": "",
}
MEANING = {
    "returned": "returned",
    "asked": "asked now",
    "late": "late",
    "refused": "refused",
    "failed": "failed",
    "absent": "absent",
    "quarantined": "quarantined",
}


@dataclass(frozen=True)
class TimelineCell:
    """kind: a name of SYMBOLS; why: in words."""

    kind: str
    why: str

    @property
    def symbol(self) -> str:
        return SYMBOLS[self.kind]

    @property
    def is_ordinary(self) -> bool:
        """Nothing that people need to read about."""
        return self.kind in ("returned", "none")


@dataclass(frozen=True)
class Timeline:
    """rounds: names of the columns; rows: (hospital, a cell for each round); hidden: earlier rounds."""

    rounds: list[str]
    rows: list[tuple[str, list[TimelineCell]]]
    hidden: int


def timeline(study: StudyStatus, rounds: Sequence[RoundRecord], training: Sequence[str]) -> Timeline:
    """Of the training hospitals, over the last rounds and the one in progress."""
    shown = rounds[-SHOWN:]
    names = [f"{record.stage + 1}.{record.round}" for record in shown]
    rows = {name: [_cell(record.train.get(name)) for record in shown] for name in training}
    if study.state in RUNS and study.stage is not None:
        names.append("now")
        for name, cells in rows.items():
            cells.append(_now(name, study))
    return Timeline(names, list(rows.items()), len(rounds) - len(shown))


def _cell(outcome: HospitalOutcome | None) -> TimelineCell:
    if outcome is None:
        return TimelineCell("none", "was not asked")
    return TimelineCell(outcome.status, reply_in_words(outcome))


def _now(name: str, study: StudyStatus) -> TimelineCell:
    if (awaited := study.awaited.get(name)) is not None:
        return TimelineCell("asked", awaited_in_words(awaited))
    if (asked := study.asked.get(name)) is not None:
        return TimelineCell("asked", asked_in_words(asked))
    return _cell(study.hospitals.get(name))
