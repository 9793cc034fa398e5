"""One hospital in report.json: what it told of itself, its rounds and traffic, and its figures."""

from typing import Any

from server.report.round_log import traffic
from server.report.task_metrics import Block, Reason, task_block, undefined_block
from server.report.three_classes import three_class_block
from server.study_result import Hospital, HospitalOutcome, StudyResult
from shared_model.constants import LABEL_WORDS, TASKS
from shared_model.metrics.site_evaluation import SiteEvaluation

NOT_YET = "it is measured when all rounds are complete"


def hospital_block(result: StudyResult, hospital: Hospital) -> dict[str, Any]:
    """A hospital of report.json: counts, figures of both tasks, or why there are none."""
    evaluation = result.evaluations.get(hospital.name)
    point = result.operating_point.model_dump()
    if evaluation is None:
        reply = reply_text(result.final_replies.get(hospital.name))
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
        "traffic": traffic(result, hospital.name),
        **blocks,
    }


def reply_text(reply: HospitalOutcome | None) -> str:
    if reply is None:
        return "none was requested"
    return reply.status if reply.reason is None else f"{reply.status} ({reply.reason})"


def _reason(hospital: Hospital) -> Reason:
    """Why a label is missing in the hospital's evaluation: no such scan, or too few patients to tell."""
    split = "its test scans" if hospital.role == "training" else "its scans"

    def reason(label: str) -> str:
        if hospital.counts[label] == 0:
            return f"no {LABEL_WORDS[label]} scan at this hospital"
        if hospital.count_floor == 1:
            return f"no patient with {LABEL_WORDS[label]} scans among {split}"
        return f"fewer than {hospital.count_floor} patients with {LABEL_WORDS[label]} scans among {split}"

    return reason
