"""What a study leaves behind: a record of each round, and the result that reports are made of."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, SkipValidation

from shared_model.constants import LABELS, TASKS, Task
from shared_model.metrics.site_evaluation import SiteEvaluation
from shared_model.protocol import Role, SiteDescription, TrainingCost
from shared_model.saved_model import OperatingPoint
from shared_model.study import StudyConfig
from shared_model.weights import Weights

Status = Literal["returned", "late", "refused", "failed", "absent", "quarantined"]
"""returned: counted; late: no reply before the deadline; refused: its reply was not admitted; failed: it said
that it could not; absent: not connected; quarantined: not asked, as its replies were refused before."""


def _evaluation(value: Any) -> SiteEvaluation:
    return value if isinstance(value, SiteEvaluation) else SiteEvaluation.from_json(value)


Evaluation = Annotated[
    SiteEvaluation, BeforeValidator(_evaluation), PlainSerializer(lambda evaluation: evaluation.to_json())
]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class HospitalOutcome(_Record):
    """How one hospital fared with one request."""

    status: Status
    reason: str | None = Field(None, description="The code of what went wrong; none if it returned.")
    detail: str | None = Field(None, description="Why, in words, where its description cannot be used.")
    seconds: float = Field(0.0, description="From asking to the reply.")
    requests: int | None = Field(
        None, description="How often it was sent; null if never, and in ledgers of earlier versions."
    )
    bytes_down: int | None = Field(None, description="Of arrays and texts sent to it, all requests together.")
    bytes_up: int | None = Field(None, description="Of arrays and texts in the reply that was read.")
    scans: dict[Task, int] = Field(default_factory=dict, description="Learned from, per network.")
    loss: dict[Task, float] = Field(default_factory=dict, description="Mean over its batches, per network.")
    cost: TrainingCost | None = Field(None, description="Of its training, as it says; null: not told.")


class RoundRecord(_Record):
    """One complete round."""

    stage: int = Field(ge=0, description="Index into the study's stages.")
    round: int = Field(ge=1, description="Within the stage.")
    train: dict[str, HospitalOutcome] = Field(description="By hospital.")
    validate_replies: dict[str, HospitalOutcome] = Field(
        default_factory=dict, description="By hospital; empty in a round that does not validate."
    )
    validation: Evaluation | None = Field(None, description="Merged over the hospitals that returned.")
    accuracy: dict[Task, float | None] = Field(
        default_factory=dict,
        description="On validation, at the study's kind of operating point; null where undefined.",
    )
    within_auc: dict[Task, float | None] = Field(
        default_factory=dict, description="On validation, within hospitals; null where undefined."
    )
    best: dict[Task, int] = Field(
        default_factory=dict, description="The stage's best round so far, per network it trains."
    )
    counted: dict[Task, float | None] = Field(
        default_factory=dict,
        description="Share of the told training patients of all hospitals whose update counts, per network.",
    )
    weights_sha256: str = Field(description="Of the global weights after this round.")
    state_sha256: str | None = Field(None, description="Of the strategy's state; none if it has none.")
    seconds: float = Field(description="Wall time of the round.")
    ended: float | None = Field(
        None, description="When it was complete, in seconds since 1970; null in ledgers of earlier versions."
    )

    def mean_loss(self, task: Task) -> float | None:
        """Mean over the hospitals that returned an update, weighted by training scans as in FedAvg."""
        replies = [one for one in self.train.values() if one.status == "returned" and task in one.loss]
        scans = sum(one.scans.get(task, 0) for one in replies)
        return sum(one.loss[task] * one.scans.get(task, 0) for one in replies) / scans if scans else None


@dataclass(frozen=True)
class Hospital:
    """counts: patients by label that the hospital tells of, None for fewer than `count_floor`.

    at_least: labels of which it has patients in further splits, or has none there: it does not tell; told:
    training patients that it tells of, per network.
    """

    name: str
    role: Role
    counts: dict[str, int | None]
    count_floor: int = 1
    at_least: tuple[str, ...] = ()
    told: dict[Task, int] = field(default_factory=dict)

    @classmethod
    def described(cls, name: str, description: SiteDescription) -> Self:
        counts: dict[str, int | None] = {label: description.patients(label) for label in LABELS}
        at_least = tuple(label for label in LABELS if counts[label] is not None and description.hides(label))
        told = {task: description.told(task) for task in TASKS} if description.role == "training" else {}
        return cls(name, description.role, counts, description.count_floor, at_least, told)


class StudyResult(_Record):
    """Everything that the report shows. It is partial until all hospitals were asked to measure the model."""

    study: StudyConfig
    trained_on: str = Field("", description="The sentence on the data that hospitals approved.")
    command: str = Field("", description="What makes this result again.")
    software: dict[str, str] = Field(default_factory=dict, description="Versions at the coordinator.")
    hospitals: tuple[Hospital, ...] = Field(description="Sorted by role (training first) and name.")
    rounds: tuple[RoundRecord, ...] = Field(description="In order.")
    best_rounds: dict[str, int] = Field(description="The round kept, by 'stage name/network'.")
    validation: Evaluation = Field(
        description="Merged validation scans under the final weights; in a partial result those of the last "
        "round that was validated."
    )
    operating_point: OperatingPoint = Field(description="Chosen on `validation`.")
    evaluations: dict[str, Evaluation] = Field(
        description="By hospital: its `test` split if it trained, all its scans if it is held out; absent "
        "for one that did not return it."
    )
    final_replies: dict[str, HospitalOutcome] = Field(description="Of the measurement, by hospital.")
    left_out: dict[str, HospitalOutcome] = Field(
        description="Hospitals that were connected but could not take part, and why."
    )
    notices: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="Codes that people are to know of hospitals (standing.py)."
    )
    weights_sha256: str = Field(description="Of the model's weights.")
    ended: float | None = Field(
        None, description="When the study was measured, in seconds since 1970; null: the result is partial."
    )

    @property
    def started(self) -> float | None:
        """When round 1 began, in seconds since 1970; None if that is not known."""
        first = self.rounds[0] if self.rounds else None
        return None if first is None or first.ended is None else first.ended - first.seconds

    @property
    def is_partial(self) -> bool:
        return self.ended is None

    @property
    def is_whole(self) -> bool:
        """Whether every hospital that was asked in the end returned its evaluation."""
        return not self.is_partial and all(one.status == "returned" for one in self.final_replies.values())


class FinishedStudy(StudyResult):
    """A result and the model that it is of."""

    weights: SkipValidation[Weights] = Field(exclude=True, repr=False)


def ordered(hospitals: Iterable[Hospital]) -> tuple[Hospital, ...]:
    """Training hospitals first, then by name."""
    return tuple(sorted(hospitals, key=lambda one: (one.role == "held-out", one.name)))
