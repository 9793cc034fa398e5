"""What happens in a study while it runs, for progress bars, status and logs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from server.study_result import Hospital, HospitalReply, RoundRecord
from shared_model.constants import TASKS
from shared_model.study import StudyConfig
from shared_model.study_stage import StageConfig

Phase = Literal["describe", "train", "validation", "test"]


@dataclass(frozen=True)
class Gathered:
    """Who takes part, and who could not and why."""

    hospitals: tuple[Hospital, ...]
    left_out: dict[str, HospitalReply]


@dataclass(frozen=True)
class RoundBegun:
    stage: StageConfig
    round: int


@dataclass(frozen=True)
class Asked:
    """A hospital is asked; once more where `trouble` says what came of the time before."""

    hospital: str
    trouble: str | None


@dataclass(frozen=True)
class Replied:
    """A hospital's request is over, one way or the other."""

    phase: Phase
    hospital: str
    outcome: HospitalReply


@dataclass(frozen=True)
class RoundDone:
    stage: StageConfig
    record: RoundRecord


Event = Gathered | RoundBegun | Asked | Replied | RoundDone
Listener = Callable[[Event], None]


def ignore(event: Event) -> None:
    """The listener of those who do not listen."""


def validates(stage: StageConfig, round: int) -> bool:
    """Whether round 1 .. stage.rounds is followed by a validation."""
    every = stage.validate_every
    return every > 0 and (round % every == 0 or round == stage.rounds)


def replies_in(study: StudyConfig, *, training: int, held_out: int) -> int:
    """How many `Replied` events a study gives after `Gathered`, with so many hospitals of each role."""
    rounds = [(stage, round) for stage in study.stages for round in range(1, stage.rounds + 1)]
    if study.privacy is not None:  # those that train give no scores
        return training * len(rounds) + held_out
    last = {network: stage for stage in study.stages for network in stage.networks}
    known = all(network in last and last[network].validate_every for network in TASKS)
    return training * sum(1 + validates(*r) for r in rounds) + (1 if known else 2) * training + held_out
