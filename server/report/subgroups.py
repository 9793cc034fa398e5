"""Figures of subgroups of the scans, by the study's division, as report.json has them."""

from collections.abc import Mapping
from typing import Any

from server.report.task_metrics import Block, task_block
from server.study_result import StudyResult
from shared_model.constants import LABEL_WORDS, TASKS, Task
from shared_model.metrics.site_evaluation import SiteEvaluation, merge_all
from shared_model.metrics.within_hospital import within_hospital_auc
from shared_model.subgroups import PARTS

NO_PAIRS = "no hospital tells of both classes in this subgroup"
Evaluations = Mapping[str, SiteEvaluation]


def subgroup_block(result: StudyResult, groups: Mapping[str, Evaluations]) -> dict[str, Any] | None:
    """The division, and of each group of hospitals the parts that any of them tells, with their figures.

    groups: evaluations by hospital. `untold[task]` has the scans that are told under no part. None without a
    division, and until the model is measured.
    """
    division = result.study.subgroups
    if division is None or result.is_partial:
        return None
    point: dict[Task, float] = {task: getattr(result.operating_point, task) for task in TASKS}
    told = {name: _of_group(members, PARTS[division], point) for name, members in groups.items()}
    return {"division": division, "groups": told}


def _of_group(members: Evaluations, parts: tuple[str, ...], point: Mapping[Task, float]) -> dict[str, Any]:
    blocks = [_of_part(members, part, point) for part in parts]
    known = [block for block in blocks if block["hospitals"]]
    scans = {task: _scans(merge_all(members.values()), task) for task in TASKS}
    untold = {task: scans[task] - sum(block[task]["n"] for block in known) for task in TASKS}
    return {"parts": known, "untold": untold}


def _of_part(members: Evaluations, part: str, point: Mapping[Task, float]) -> dict[str, Any]:
    of_part = {name: one.subgroup(part) for name, one in members.items() if part in one.subgroups}
    blocks: dict[str, Block] = {task: _block(of_part, task, point[task]) for task in TASKS}
    return {"part": part, "hospitals": list(of_part), **blocks}


def _block(of_part: Evaluations, task: Task, point: float) -> Block:
    """As of a group of hospitals, without what needs many of them."""
    block = task_block(merge_all(of_part.values()), task, point, _reason)
    within = within_hospital_auc(of_part.values(), task)
    undefined = block["undefined"] | ({} if within else {"within_auc": NO_PAIRS})
    return block | {"within_auc": within.as_json() if within else None, "undefined": undefined}


def _scans(evaluation: SiteEvaluation, task: Task) -> int:
    return evaluation.positive(task).total + evaluation.negative(task).total


def _reason(label: str) -> str:
    return f"no hospital tells of {LABEL_WORDS[label]} scans in this subgroup"
