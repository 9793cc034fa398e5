"""What one approval permits, over the audit log that a hospital keeps."""

from pathlib import Path

import numpy as np
import pytest

from client.records.audit import AuditLog
from client.trainer.asked_tasks import (
    APPROVED,
    ASKED,
    MORE_EVALUATIONS,
    asked_since_approval,
    check_permitted,
    planned_evaluations,
)
from client.trainer.jobs import Describe, Evaluate, Job, Train
from shared_model.constants import TASKS
from shared_model.errors import PneumofedError
from shared_model.protocol import EvaluateRequest, Role, Split, TrainRequest
from shared_model.study_stage import StageConfig
from tests.support.fake_sites import BOTH, study_of, weights_of

FINE = StageConfig(name="fine", networks=("diseased",), part="fine", rounds=4, validate_every=3)
SILENT = StageConfig(name="fine", networks=("diseased",), part="fine", rounds=9, validate_every=0)
STUDY = study_of(BOTH, FINE)


class Log:
    """A hospital's audit log that asks are checked against and written to."""

    def __init__(self, folder: Path, role: Role = "training") -> None:
        folder.mkdir(exist_ok=True)
        self.audit, self.role = AuditLog(folder), role
        self.approve()

    def approve(self) -> None:
        self.audit.write(APPROVED, study="s")

    def ask(self, job: Job) -> str | None:
        """None if it is permitted, or the code of the refusal."""
        try:
            before = asked_since_approval(self.audit.entries(), "s")
            check_permitted(job, job.facts(), STUDY, self.role, before)
        except PneumofedError as error:
            return error.code
        self.audit.write(ASKED, study="s", task=job.name, **job.facts())
        self.audit.write(ASKED, study="other", task=job.name, **job.facts())
        return None


def train(stage: int, round: int, seed: int = 0) -> Train:
    return Train(weights_of(seed), TrainRequest(stage, round))


def evaluate(split: Split, seed: int = 0, point: float | None = None) -> Evaluate:
    points = None if point is None else {task: point for task in TASKS}
    return Evaluate(weights_of(seed), EvaluateRequest(split, TASKS, points))


def test_each_round_is_trained_once(tmp_path: Path) -> None:
    log = Log(tmp_path)
    assert [log.ask(train(0, 1)), log.ask(train(0, 1)), log.ask(train(0, 2, seed=1))] == [None] * 3
    assert log.ask(train(1, 1, seed=2)) is None
    assert log.ask(train(0, 1, seed=1)) == log.ask(train(0, 2)) == "round-asked-before"
    assert log.ask(train(0, 4)) == log.ask(train(2, 1)) == log.ask(train(1, 0)) == "no-such-round"
    assert log.ask(Describe()) is None


def test_evaluations_are_those_of_the_stages_and_a_few_after_faults(tmp_path: Path) -> None:
    """Three rounds of the first stage are validated; of the second the third and the last."""
    planned = 3 + 2 + 1
    assert planned_evaluations(STUDY, "validation") == planned
    assert planned_evaluations(study_of(BOTH, SILENT), "validation") == 3 + 1
    log = Log(tmp_path)
    for _ in range(2):
        asked = [log.ask(evaluate("validation", seed)) for seed in range(planned + MORE_EVALUATIONS + 1)]
        assert asked == [None] * (planned + MORE_EVALUATIONS) + ["evaluations-spent"]
    log.approve()
    assert log.ask(evaluate("validation", 99)) is None


@pytest.mark.parametrize(("role", "split"), [("training", "test"), ("held-out", "all")])
def test_the_final_evaluation_is_one(role: Role, split: Split, tmp_path: Path) -> None:
    """Another operating point is another evaluation, as calls at many points are scores again."""
    log = Log(tmp_path, role)
    points = [0.1 * number for number in range(1, 3 + MORE_EVALUATIONS)]
    asked = [log.ask(evaluate(split, point=point)) for point in points]
    assert asked == [None] * (1 + MORE_EVALUATIONS) + ["evaluations-spent"]


def test_only_what_the_role_tells_is_measured(tmp_path: Path) -> None:
    trains, held_out = Log(tmp_path / "a"), Log(tmp_path / "b", "held-out")
    assert trains.ask(evaluate("all")) == held_out.ask(evaluate("test")) == "no-such-split"
    assert held_out.ask(evaluate("validation")) == "no-such-split"
    assert trains.ask(evaluate("validation", point=0.5)) == "calls-not-planned"


def test_a_log_without_the_approval_permits_nothing(tmp_path: Path) -> None:
    log = Log(tmp_path)
    assert log.ask(train(0, 1)) is None
    for path in tmp_path.iterdir():
        path.unlink()
    assert log.ask(train(0, 1)) == "approval-not-recorded"
    log.audit.write(APPROVED, study="other")
    assert log.ask(train(0, 1)) == log.ask(Describe()) == "approval-not-recorded"


def test_weights_that_differ_in_one_bit_are_others(tmp_path: Path) -> None:
    log, weights = Log(tmp_path), weights_of(0)
    nudged = weights | {"covid/shared.weight": np.nextafter(weights["covid/shared.weight"], np.float32(9))}
    assert log.ask(Train(weights, TrainRequest(0, 1))) is None
    assert log.ask(Train(nudged, TrainRequest(0, 1))) == "round-asked-before"
