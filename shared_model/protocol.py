"""What coordinator and hospital say to each other, without the transport: types, names and checks.

Three requests go out, each answered once: `describe`, `train`, `evaluate`. Weights go both ways as named
float32 arrays; back come scan counts, mean losses, the cost of a
step and mergeable counts of scores and calls, or an error's
code. A scan decision in closed form sends int64 sums by label (label_sums.py) in the place of weights. Each
answer says which question it answers, and names the head of the hospital's audit log (envelope.py). Nothing
else.

Each of these has one type, here or (`SiteEvaluation`) in metrics/, at the coordinator, in both zones of a
hospital and in `client.learning.site.Site`. This module imports neither torch nor Flower, so that the process
that faces the network stays light.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Generic, Literal, TypeVar, get_args

from shared_model.bounded_json import parse_bounded
from shared_model.constants import LABELS, LABELS_OF, TASKS, Task
from shared_model.study_stage import StageConfig
from shared_model.versions import are_versions

PROTOCOL = 3
"""Rises with every change of what is said here. The bundle holds it: both sides need the same."""

Role = Literal["training", "held-out"]
Split = Literal["validation", "test", "all"]

SPLITS: Mapping[Role, tuple[str, ...]] = {"training": ("train", "validation", "test"), "held-out": ("all",)}
"""The splits of a hospital of each role. They are disjoint: no difference of two counts is a third one."""

SCORED: Mapping[Role, tuple[Split, ...]] = {"training": ("validation", "test"), "held-out": ("all",)}
"""The splits whose scores a hospital of each role tells."""

# Names of records in a message, and of entries in them.
WEIGHTS, REQUEST, SCANS, LOSS, COST, REPLY = "weights", "task", "scans", "loss", "cost", "reply"
PROPOSAL, STAGE, ROUND, SPLIT, ASKED_TASKS = "proposal", "stage", "round", "split", "tasks"
OPERATING_POINT = "operating-point"
DESCRIPTION, EVALUATION = "description", "evaluation"
NODE_VERSIONS = "versions"
ENVELOPE, QUESTION, HEAD_NUMBER, HEAD_HASH = "envelope", "question", "head-number", "head-hash"

PACKED = "safetensors"
"""How the one array of a weights record is serialised: its data is a safetensors file."""

INTERNAL_ERROR = "internal-error"
"""The code of every fault that was not foreseen: its text stays at the hospital."""


def is_code(text: str | None) -> bool:
    """Whether `text` is an error code: nothing else may cross as one."""
    return text is not None and re.fullmatch(r"[a-z][a-z0-9-]{1,47}", text) is not None


_SET_BY_LAYER_SCALING = {"lobe.mean", "lobe.deviation"}
_OF_PATCHES = ("patch_features.", "vicinity_features.", "patch_infection.")


def is_trained(name: str, stage: StageConfig) -> bool:
    """Whether the stage trains the array `name` ("network/module.parameter")."""
    network, parameter = name.split("/", 1)
    if network not in stage.networks or parameter in _SET_BY_LAYER_SCALING:
        return False
    if parameter.startswith("fine_infection."):
        return stage.part == "fine"
    if parameter.startswith("scan_decision."):
        return stage.part == "scan"
    if stage.part == "patches":
        return parameter.startswith(_OF_PATCHES)
    return stage.part == "lobe" or (stage.part == "decision" and not parameter.startswith("patch_features."))


_FINGERPRINT = re.compile(r"[a-z0-9-]{1,64}")


@dataclass(frozen=True)
class SiteDescription:
    """What a hospital says of itself before round 1. Raises ValueError for a role or counts that cannot be.

    study, store: fingerprints of the study it agreed to and of the preprocessing that made its store;
    counts[split][label]: patients, None for fewer than `count_floor`, the hospital's own limit, and for none;
    the splits are SPLITS of its role; versions: of its trainer, by a name of versions.NAMES.
    """

    role: Role
    study: str
    store: str
    count_floor: int
    counts: dict[str, dict[str, int | None]]
    versions: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not all(isinstance(one, str) and _FINGERPRINT.fullmatch(one) for one in (self.study, self.store)):
            raise ValueError("a fingerprint has up to 64 small letters, digits and '-'")
        if not are_versions(self.versions):
            raise ValueError("versions are short words, each with its name")
        if self.role not in get_args(Role):
            raise ValueError("a hospital's role is one of " + ", ".join(get_args(Role)))
        if not _is_count(self.count_floor) or not self.count_floor:
            raise ValueError("a floor is a whole number from 1 on")
        if not _are_counts(self.counts, SPLITS[self.role], self.count_floor):
            raise ValueError("counts are whole numbers, not below the floor, by split and label")

    def told(self, task: Task) -> int:
        """The training patients of `task` that are told of: the hospital's say in its average."""
        return sum(self.counts["train"][label] or 0 for label in LABELS_OF[task])

    def patients(self, label: str) -> int | None:
        """The patients of a label that are told of, over all splits; None if those of no split are.

        With a floor of 1 nothing is hidden, and a label that nobody has counts 0.
        """
        known = [count for counts in self.counts.values() if (count := counts[label]) is not None]
        return sum(known) if known or self.count_floor == 1 else None

    def hides(self, label: str) -> bool:
        """Whether the patients of a label are not told of in some split."""
        return self.count_floor > 1 and any(counts[label] is None for counts in self.counts.values())

    def to_text(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> "SiteDescription":
        """Inverse of `to_text`; raises ValueError for anything else."""
        document = parse_bounded(text)
        if not isinstance(document, dict) or set(document) != set(cls.__dataclass_fields__):
            raise ValueError("a description has the fields " + ", ".join(cls.__dataclass_fields__))
        return cls(**document)


@dataclass(frozen=True)
class TrainRequest:
    """Train one round; the global weights go beside it. stage: from 0; round: from 1 within the stage."""

    stage: int
    round: int


@dataclass(frozen=True)
class EvaluateRequest:
    """Count the scores of `tasks` on one part of a hospital's scans; the weights go beside it.

    operating_point: the probabilities from which on a scan is called positive, by task, if it shall also be
    counted what scans are called, which takes both tasks. Raises ValueError for others, and for tasks that
    are none or twice there.
    """

    split: Split
    tasks: tuple[Task, ...]
    operating_point: Mapping[Task, float] | None = None

    def __post_init__(self) -> None:
        if not self.tasks or len(set(self.tasks)) != len(self.tasks) or not set(self.tasks) <= set(TASKS):
            raise ValueError("scores are asked of tasks that there are, of each once")
        point = self.operating_point
        if point is None:
            return
        if set(point) != set(TASKS) or set(self.tasks) != set(TASKS):
            raise ValueError("what scans are called depends on both tasks: ask for both")
        if not all(isinstance(value, float) and 0 < value < 1 for value in point.values()):
            raise ValueError("an operating point is a probability between 0 and 1")


W = TypeVar("W")


@dataclass(frozen=True)
class TrainingCost:
    """What a round took at the hospital, for planning. Raises ValueError for what cannot be.

    step_ms: mean milliseconds a step; memory_mb: peak memory of the process; gpu_mb: of the GPU, 0 for none.
    Memory is rounded up coarsely (client/trainer/cost_meter.py): it shall not tell how many scans there are.
    """

    step_ms: int
    memory_mb: int
    gpu_mb: int = 0

    def __post_init__(self) -> None:
        told = ((self.step_ms, MOST_STEP_MS), (self.memory_mb, MOST_MEMORY_MB), (self.gpu_mb, MOST_MEMORY_MB))
        if not all(type(value) is int and 0 <= value <= most for value, most in told):
            raise ValueError("a cost has whole numbers within what a machine can have")


@dataclass(frozen=True)
class TrainResult(Generic[W]):
    """What a hospital returns of a round.

    weights: the arrays trained, of networks with scans only, by name; at the node, which does not decode
    them, the bytes of their safetensors file; scans: the hospital's weight in the average of each network of
    the stage, by the stage's `say`: 1, or the training patients that its description tells of; 0 if it
    trained none of it; loss: mean loss over the round's batches, per network trained; none in a private
    study; cost: what it took, None where it was not measured.
    """

    weights: W
    scans: Mapping[str, int]
    loss: Mapping[str, float]
    cost: TrainingCost | None = None


def _are_counts(counts: Any, splits: tuple[str, ...], floor: int) -> bool:
    return (
        isinstance(counts, dict)
        and set(counts) == set(splits)
        and all(isinstance(labels, dict) and set(labels) == set(LABELS) for labels in counts.values())
        and all(
            count is None or (_is_count(count) and count >= floor)
            for labels in counts.values()
            for count in labels.values()
        )
    )


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_SCANS


MOST_STEP_MS, MOST_MEMORY_MB = 2**31, 2**24
"""A step of weeks, and the memory of no machine: what claims more is refused."""

MOST_SCANS = 2**16
"""More patients or scans than any hospital has; what claims more is refused."""

MOST_SCANS_A_PATIENT = 64
"""More scans of one patient than any hospital has."""
