"""A study's result as report.json: everything that the page shows, and nothing about a patient."""

from collections.abc import Mapping
from typing import Any

from server.report.curves_json import group_curves, hospital_curves
from server.report.group_metrics import group_block
from server.report.hospital_block import NOT_YET, hospital_block, reply_text
from server.report.refusals import refusals
from server.report.round_log import outcomes, round_json, utc_date
from server.report.statement import statement
from server.report.subgroups import subgroup_block
from server.report.task_metrics import Block, roc_points
from server.report.three_classes import three_class_block
from server.report.warnings import study_warnings
from server.study_result import StudyResult
from shared_model.constants import LABEL_WORDS, TASKS, Task
from shared_model.metrics.calibration import fit_temperature
from shared_model.metrics.site_evaluation import SiteEvaluation, merge_all

SEEN, UNSEEN = "seen", "unseen"


def report_document(result: StudyResult, seconds: Mapping[str, float] | None = None) -> dict[str, Any]:
    """The document of report.json.

    seconds: wall time of each step, in order; None: what the rounds took.
    """
    seconds = {"rounds": sum(record.seconds for record in result.rounds)} if seconds is None else seconds
    groups = {SEEN: _of_role(result, "training"), UNSEEN: _of_role(result, "held-out")}
    temperature = _temperatures(result.validation)
    document = {
        "study": {"name": result.study.name, "fingerprint": result.study.fingerprint},
        "partial": result.is_partial,
        "dates": {"started": utc_date(result.started), "ended": utc_date(result.ended)},
        "rounds_planned": sum(stage.rounds for stage in result.study.stages),
        "trained_on": result.trained_on,
        "warnings": study_warnings(result),
        "hospitals": [hospital_block(result, hospital) for hospital in result.hospitals],
        "left_out": {name: reply_text(reply) for name, reply in result.left_out.items()},
        "refusals": refusals(result),
        "pooled": {group: _pooled(result, found, temperature) for group, found in groups.items()},
        "roc": {
            group: {task: roc_points(merge_all(found.values()), task) for task in TASKS}
            for group, found in groups.items()
        },
        "subgroups": subgroup_block(result, groups),
        "curves": _curves(result, groups, temperature),
        "operating_point": result.operating_point.model_dump(),
        "temperature": temperature,
        "rounds": [round_json(result, record) for record in result.rounds],
        "measurement": outcomes(result.final_replies),
        "best_rounds": dict(result.best_rounds),
        "settings": result.study.model_dump(mode="json"),
        "weights_sha256": result.weights_sha256,
        "command": result.command,
        "seconds": {step: round(duration, 1) for step, duration in seconds.items()},
        "software": dict(result.software),
    }
    return {"statement": statement(document)} | document | {"comparison": None}


def _of_role(result: StudyResult, role: str) -> dict[str, SiteEvaluation]:
    """The evaluations of the hospitals of one role, by name."""
    names = [hospital.name for hospital in result.hospitals if hospital.role == role]
    return {name: result.evaluations[name] for name in names if name in result.evaluations}


def _temperatures(validation: SiteEvaluation) -> dict[str, Any]:
    """The temperature of each network; None where none fits (the model card then has 1), and why."""
    found = {task: fit_temperature(validation.positive(task), validation.negative(task)) for task in TASKS}
    reasons = {task: _why_no_temperature(validation, task) for task in TASKS if found[task] is None}
    return {"diseased": found["diseased"], "covid": found["covid"], "undefined": reasons}


def _why_no_temperature(validation: SiteEvaluation, task: Task) -> str:
    if validation.auc(task) is None:
        return "validation scores of both classes are needed, and one is missing"
    return "the validation scores lie to one side, or point the wrong way: no finite temperature fits"


def _pooled(
    result: StudyResult, evaluations: Mapping[str, SiteEvaluation], temperature: Mapping[str, Any]
) -> dict[str, Block]:
    point = result.operating_point.model_dump()

    def reason(label: str) -> str:
        if result.is_partial:
            return NOT_YET
        return f"no {LABEL_WORDS[label]} scan in any evaluation that was returned"

    blocks: dict[str, Block] = {
        task: group_block(evaluations, task, point[task], temperature[task] or 1.0, reason) for task in TASKS
    }
    return blocks | {"three_class": three_class_block(merge_all(evaluations.values()), reason)}


def _curves(
    result: StudyResult,
    groups: Mapping[str, Mapping[str, SiteEvaluation]],
    temperature: Mapping[str, Any],
) -> dict[str, Any]:
    """Points by group and by hospital, of probabilities scaled as `diagnose` shows them."""
    scale: dict[Task, float] = {task: temperature[task] or 1.0 for task in TASKS}
    point: dict[Task, float] = {task: getattr(result.operating_point, task) for task in TASKS}
    found = {
        group: group_curves(merge_all(members.values()), scale, point) for group, members in groups.items()
    }
    return found | {
        "hospitals": {
            one.name: hospital_curves(result.evaluations.get(one.name), scale, point)
            for one in result.hospitals
        }
    }
