"""A study's result as report.json: everything that the page shows, and nothing about a patient."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from server.report.group_metrics import group_block
from server.report.refusals import refusals
from server.report.statement import statement
from server.report.task_metrics import Block, Reason, roc_points, task_block, undefined_block
from server.report.three_classes import three_class_block
from server.report.warnings import study_warnings
from server.study_result import Hospital, HospitalOutcome, RoundRecord, StudyResult
from shared_model.constants import LABEL_WORDS, TASKS, Task
from shared_model.metrics.calibration import fit_temperature
from shared_model.metrics.site_evaluation import SiteEvaluation, merge_all

SEEN, UNSEEN = "seen", "unseen"
NOT_YET = "it is measured when all rounds are complete"


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
        "dates": {"started": _date(result.started), "ended": _date(result.ended)},
        "rounds_planned": sum(stage.rounds for stage in result.study.stages),
        "trained_on": result.trained_on,
        "warnings": study_warnings(result),
        "hospitals": [_hospital(result, hospital) for hospital in result.hospitals],
        "left_out": {name: _reply_text(reply) for name, reply in result.left_out.items()},
        "refusals": refusals(result),
        "pooled": {group: _pooled(result, found, temperature) for group, found in groups.items()},
        "roc": {
            group: {task: roc_points(merge_all(found.values()), task) for task in TASKS}
            for group, found in groups.items()
        },
        "operating_point": result.operating_point.model_dump(),
        "temperature": temperature,
        "rounds": [_round(result, record) for record in result.rounds],
        "best_rounds": dict(result.best_rounds),
        "settings": result.study.model_dump(mode="json"),
        "weights_sha256": result.weights_sha256,
        "command": result.command,
        "seconds": {step: round(duration, 1) for step, duration in seconds.items()},
        "software": dict(result.software),
    }
    return {"statement": statement(document)} | document


def _date(seconds: float | None) -> str | None:
    """ISO 8601 in UTC, to the second."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _hospital(result: StudyResult, hospital: Hospital) -> dict[str, Any]:
    evaluation = result.evaluations.get(hospital.name)
    point = result.operating_point.model_dump()
    if evaluation is None:
        reply = _reply_text(result.final_replies.get(hospital.name))
        why = NOT_YET if result.is_partial else f"no evaluation was returned: {reply}"
        blocks: dict[str, Block] = {task: undefined_block(task, why) for task in TASKS}
        blocks["three_class"] = three_class_block(SiteEvaluation.empty(), lambda _: why)
    else:
        reason = _reason(hospital)
        blocks = {task: task_block(evaluation, task, point[task], reason) for task in TASKS}
        blocks["three_class"] = three_class_block(evaluation, reason)
    replies = [r.train[hospital.name] for r in result.rounds if hospital.name in r.train]
    asked = [reply for reply in replies if reply.status != "quarantined"]
    return {
        "name": hospital.name,
        "role": hospital.role,
        "counts": {label: hospital.counts[label] for label in LABEL_WORDS},
        "counts_at_least": list(hospital.at_least),
        "count_floor": hospital.count_floor,
        "rounds": {"asked": len(asked), "returned": sum(r.status == "returned" for r in asked)},
        **blocks,
    }


def _reply_text(reply: HospitalOutcome | None) -> str:
    if reply is None:
        return "none was requested"
    return reply.status if reply.reason is None else f"{reply.status} ({reply.reason})"


def _reason(hospital: Hospital) -> Reason:
    """Why a label is missing in the hospital's evaluation: no such scan, or too few patients to tell."""
    split = "its test scans" if hospital.role == "training" else "its scans"

    def reason(label: str) -> str:
        if hospital.counts[label] == 0:
            return f"no {LABEL_WORDS[label]} scan at this hospital"
        return f"fewer than {hospital.count_floor} patients with {LABEL_WORDS[label]} scans among {split}"

    return reason


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


def _round(result: StudyResult, record: RoundRecord) -> dict[str, Any]:
    replies = [reply for reply in record.train.values() if reply.status != "quarantined"]
    networks = result.study.stages[record.stage].networks
    return {
        "stage": result.study.stages[record.stage].name,
        "round": record.round,
        "hospitals": {
            "asked": len(replies),
            "returned": sum(reply.status == "returned" for reply in replies),
        },
        "loss": {network: record.mean_loss(network) for network in networks},
        "accuracy": dict(record.accuracy),
        "within_auc": dict(record.within_auc),
        "seconds": round(record.seconds, 2),
    }
