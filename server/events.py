"""Events of a running study, for progress bars, status and logs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from server.study_result import Hospital, HospitalOutcome, RoundRecord
from shared_model.constants import TASKS
from shared_model.study import StudyConfig
from shared_model.study_stage import StageConfig
from shared_model.versions import Versions

Phase = Literal["describe", "train", "validation", "test"]


@dataclass(frozen=True)
class StudyProposed:
    """The study is being proposed to the hospitals, whose people see the same fingerprint."""

    fingerprint: str


@dataclass(frozen=True)
class HospitalDescribed:
    """A hospital takes part; its description tells these versions."""

    hospital: str
    versions: Versions


@dataclass(frozen=True)
class RosterBuilt:
    """Which hospitals take part, and which are left out and why."""

    hospitals: tuple[Hospital, ...]
    left_out: dict[str, HospitalOutcome]


@dataclass(frozen=True)
class RoundStarted:
    stage: StageConfig
    round: int


@dataclass(frozen=True)
class RequestSent:
    """A request was sent to a hospital; `retry_reason` is None the first time, then why it is sent again."""

    hospital: str
    retry_reason: str | None


@dataclass(frozen=True)
class RequestPostponed:
    """A hospital cannot answer now, for the reason of this code; it is asked again later."""

    hospital: str
    reason: str


@dataclass(frozen=True)
class HospitalsAwaited:
    """Before round 1: hospitals that do not take part yet, each with the code of why; they are asked again.

    begins: when the study begins without them, in seconds since 1970; None: it does not.
    """

    reasons: Mapping[str, str]
    begins: float | None = None


@dataclass(frozen=True)
class RequestFinished:
    """A request to a hospital has its result, good or bad."""

    phase: Phase
    hospital: str
    outcome: HospitalOutcome


@dataclass(frozen=True)
class HospitalNoticed:
    """What people are to know of a hospital has changed: `notices` are the codes that stand (standing.py)."""

    hospital: str
    notices: tuple[str, ...]


@dataclass(frozen=True)
class RoundFinished:
    stage: StageConfig
    record: RoundRecord


Event = (
    StudyProposed
    | HospitalDescribed
    | RosterBuilt
    | RoundStarted
    | RequestSent
    | RequestPostponed
    | HospitalsAwaited
    | RequestFinished
    | HospitalNoticed
    | RoundFinished
)
Listener = Callable[[Event], None]


def ignore(event: Event) -> None:
    """A listener that does nothing."""


def request_count(study: StudyConfig, *, training: int, held_out: int) -> int:
    """Number of `RequestFinished` events of a study after `RosterBuilt`, by hospitals of each role."""
    rounds = [(stage, round) for stage in study.stages for round in range(1, stage.rounds + 1)]
    if study.privacy is not None:  # training hospitals send no scores
        return training * len(rounds) + held_out
    last_stage = {network: stage for stage in study.stages for network in stage.networks}
    validated = all(network in last_stage and last_stage[network].validate_every for network in TASKS)
    per_hospital = sum(1 + stage.validates(round) for stage, round in rounds) + (1 if validated else 2)
    return training * per_hospital + held_out
