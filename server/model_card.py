"""The card of a study's model: operating points, temperatures, and what was measured of it."""

from server import model_selection
from server.study_result import RoundRecord, StudyResult
from shared_model.constants import Task
from shared_model.metrics.auc import Auc
from shared_model.metrics.within_hospital import within_hospital_auc
from shared_model.model_quality import MeasuredAuc, ModelQuality, Scans, TaskQuality
from shared_model.protocol import Role
from shared_model.saved_model import ModelCard

_NOT_VALIDATED = "no round was validated with scores of both classes inside a hospital"
_NO_INTERVAL = "the rounds' records hold the validation area without an interval"
_NO_SCORES: dict[Role, str] = {
    "training": "no hospital that trained returned test scores of both classes",
    "held-out": "no held-out hospital returned scores of both classes",
}


def model_card(result: StudyResult) -> ModelCard:
    """The card of the study's model."""
    return ModelCard(
        study=result.study,
        operating_point=result.operating_point,
        temperature=model_selection.temperatures(result.validation),
        trained_on=result.trained_on,
        quality=ModelQuality(diseased=_quality(result, "diseased"), covid=_quality(result, "covid")),
        best_rounds=result.best_rounds,
    )


def _quality(result: StudyResult, task: Task) -> TaskQuality:
    validation = _validation(result, task)
    areas = {role: _measured(result, task, role) for role in _NO_SCORES}
    undefined: dict[Scans, str] = {"validation": _NOT_VALIDATED if validation is None else _NO_INTERVAL}
    if areas["training"] is None:
        undefined["test"] = _NO_SCORES["training"]
    if areas["held-out"] is None:
        undefined["held_out"] = _NO_SCORES["held-out"]
    return TaskQuality(
        validation=validation, test=areas["training"], held_out=areas["held-out"], undefined=undefined
    )


def _validation(result: StudyResult, task: Task) -> MeasuredAuc | None:
    """Of the round that was kept in the last stage that trained the network."""
    stages = [index for index, stage in enumerate(result.study.stages) if task in stage.networks]
    if not stages:
        return None
    kept = result.best_rounds.get(f"{result.study.stages[stages[-1]].name}/{task}")
    records: list[RoundRecord] = [
        one for one in result.rounds if (one.stage, one.round) == (stages[-1], kept)
    ]
    value = records[0].within_auc.get(task) if records else None
    return None if value is None else MeasuredAuc(value=value)


def _measured(result: StudyResult, task: Task, role: Role) -> MeasuredAuc | None:
    """Of the hospitals of one role, as the report has it."""
    names = [hospital.name for hospital in result.hospitals if hospital.role == role]
    found = [result.evaluations[name] for name in names if name in result.evaluations]
    area: Auc | None = within_hospital_auc(found, task)
    return None if area is None else MeasuredAuc(value=area.value, low=area.low, high=area.high)
