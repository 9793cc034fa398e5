"""What an approval permits: each round once, and as many evaluations as the study's stages plan.

Without a limit one approval would answer any number of made-up weights, and scores and updates under chosen
weights tell of single scans. What was asked is read from the audit log, so neither a restart nor a copy of an
earlier folder gives more.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from client.records.chained_log import Entry
from client.trainer.jobs import Evaluate, Job, Train
from shared_model.errors import PneumofedError
from shared_model.protocol import SCORED, Role, Split
from shared_model.study import StudyConfig

APPROVED, ASKED = "approved", "task"
"""Events of the audit log: a study's approval, and each task before it is done."""

MORE_EVALUATIONS = 2
"""A round that is repeated after a fault may end with other weights, which are validated again."""

Facts = Mapping[str, Any]


def asked_since_approval(entries: Sequence[Entry], fingerprint: str) -> list[Facts]:
    """The facts of the tasks asked of a study since it was last approved.

    Raises PneumofedError `approval-not-recorded` if the log does not hold its approval.
    """
    of_study = [entry for entry in entries if entry.facts.get("study") == fingerprint]
    approvals = [index for index, entry in enumerate(of_study) if entry.event == APPROVED]
    if not approvals:
        raise PneumofedError(
            "approval-not-recorded",
            f"the audit log does not hold the approval of study {fingerprint}, so it was replaced; bring it "
            "back, or withdraw and approve again",
        )
    return [entry.facts for entry in of_study[approvals[-1] + 1 :] if entry.event == ASKED]


def check_permitted(job: Job, facts: Facts, study: StudyConfig, role: Role, before: Sequence[Facts]) -> None:
    """Check that the study plans this task for a hospital of this role, after the tasks `before`.

    facts: of the job, as the log will hold them. A task that was asked before is permitted again: its answer
    is the same. Raises PneumofedError `no-such-round`, `round-asked-before`, `no-such-split`,
    `calls-not-planned`, `evaluations-spent`.
    """
    if isinstance(job, Train):
        _check_round(job, facts, study, before)
    elif isinstance(job, Evaluate):
        _check_evaluation(job, facts, study, role, before)


def planned_evaluations(study: StudyConfig, split: Split) -> int:
    """How many different evaluations of a split the study asks for."""
    if split != "validation":
        return 1
    rounds = [(stage, round) for stage in study.stages for round in range(1, stage.rounds + 1)]
    # One more, at the end, for a network whose last stage was not validated.
    return sum(stage.validates(round) for stage, round in rounds) + 1


def _check_round(job: Train, facts: Facts, study: StudyConfig, before: Sequence[Facts]) -> None:
    stage, round = job.request.stage, job.request.round
    if not (0 <= stage < len(study.stages) and 1 <= round <= study.stages[stage].rounds):
        raise PneumofedError("no-such-round", f"the study has no round {round} of a stage {stage}")
    asked = {past["weights"] for past in before if (past.get("stage"), past.get("round")) == (stage, round)}
    if asked - {facts["weights"]}:
        raise PneumofedError(
            "round-asked-before",
            f"round {round} of stage {stage} was asked with other weights; to begin anew, approve again",
        )


def _check_evaluation(
    job: Evaluate, facts: Facts, study: StudyConfig, role: Role, before: Sequence[Facts]
) -> None:
    split = job.request.split
    if split not in SCORED[role]:
        raise PneumofedError("no-such-split", f"scores are told of {', '.join(SCORED[role])}")
    if split == "validation" and job.request.operating_point is not None:
        raise PneumofedError("calls-not-planned", "what validation scans are called is not told")
    asked = {_canonical(past) for past in before if past.get("split") == split}
    most = planned_evaluations(study, split) + MORE_EVALUATIONS
    if len(asked | {_canonical(facts)}) > most:
        raise PneumofedError(
            "evaluations-spent",
            f"{len(asked)} evaluations of {split} scans were asked, more than the study plans; withdraw and "
            "approve to begin anew",
        )


def _canonical(facts: Facts) -> str:
    """An evaluation's facts as one text; what the log adds to them is left out."""
    return json.dumps({n: value for n, value in facts.items() if n not in ("study", "task")}, sort_keys=True)
