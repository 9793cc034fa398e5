"""What a study leaves behind: a record of each round, and the result that reports are made of."""

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from shared_model.constants import LABELS, Task
from shared_model.metrics.site_evaluation import SiteEvaluation
from shared_model.protocol import Role, SiteDescription
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
    scans: dict[Task, int] = Field(default_factory=dict, description="Learned from, per network.")
    loss: dict[Task, float] = Field(default_factory=dict, description="Mean over its batches, per network.")


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


@dataclass(frozen=True)
class Hospital:
    """counts: patients by label that the hospital tells of, None for fewer than `count_floor`.

    at_least: labels of which it has patients in further splits, or has none there: it does not tell.
    """

    name: str
    role: Role
    counts: dict[str, int | None]
    count_floor: int = 1
    at_least: tuple[str, ...] = ()

    @classmethod
    def described(cls, name: str, description: SiteDescription) -> Self:
        counts: dict[str, int | None] = {label: description.patients(label) for label in LABELS}
        at_least = tuple(label for label in LABELS if counts[label] is not None and description.hides(label))
        return cls(name, description.role, counts, description.count_floor, at_least)


@dataclass(frozen=True)
class StudyResult:
    """Everything that the report shows.

    hospitals: sorted by role (training first) and name; rounds: in order; best_rounds["stage name/network"]:
    the round kept; operating_point: chosen on `validation`, the merged validation scans under the final
    weights; evaluations[hospital]: the `test` split at hospitals that trained, all scans at held-out ones,
    absent for a hospital that did not return one; final_replies says why; left_out: hospitals that were
    connected but could not take part, and why; notices: codes that people are to know of hospitals
    (standing.py).
    """

    study: StudyConfig
    hospitals: tuple[Hospital, ...]
    rounds: tuple[RoundRecord, ...]
    best_rounds: dict[str, int]
    validation: SiteEvaluation
    operating_point: OperatingPoint
    evaluations: dict[str, SiteEvaluation]
    final_replies: dict[str, HospitalOutcome]
    left_out: dict[str, HospitalOutcome]
    weights: Weights
    notices: dict[str, tuple[str, ...]] = field(default_factory=dict)
