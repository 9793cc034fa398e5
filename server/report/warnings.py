"""What a reader should know of a study before its figures."""

from server.study_result import Hospital, StudyResult
from shared_model.constants import LABEL_WORDS, TASK_WORDS, TASKS


def study_warnings(result: StudyResult) -> list[str]:
    """One sentence each, without any count of patients; empty for a study without anything unusual."""
    training = [hospital for hospital in result.hospitals if hospital.role == "training"]
    return [
        *_of_federation(result, training),
        *_of_classes(training),
        *_of_operating_points(result),
        *(sentence for hospital in result.hospitals for sentence in _of_hospital(result, hospital)),
    ]


def _of_federation(result: StudyResult, training: list[Hospital]) -> list[str]:
    found = []
    if len(training) == 1:
        found.append(
            f"Only {training[0].name} trains: there is nothing to federate, and the model is that of its own "
            "scans."
        )
    if len(training) == len(result.hospitals):
        found.append("No hospital is held out: nothing is known of the model where it was not trained.")
    return found


def _of_classes(training: list[Hospital]) -> list[str]:
    """A class that no hospital tells of."""
    return [
        f"No training hospital tells of patients of the class {words}: the model has hardly learned it."
        for label, words in LABEL_WORDS.items()
        if not any(hospital.counts[label] for hospital in training)
    ]


def _of_operating_points(result: StudyResult) -> list[str]:
    """A task whose operating point could not be chosen."""
    if result.study.operating_point != "validation":
        return []
    return [
        f"No operating point could be chosen for {TASK_WORDS[task]}: no validation scans of both classes "
        "were told, and a scan is called positive from a probability of 0.5 on."
        for task in TASKS
        if not (result.validation.positive(task).total and result.validation.negative(task).total)
    ]


def _of_hospital(result: StudyResult, hospital: Hospital) -> list[str]:
    found = []
    if not any(hospital.counts.values()):
        found.append(
            f"{hospital.name} has fewer than {hospital.count_floor} patients of every class: it tells no "
            "score."
        )
    rounds = [record.train[hospital.name] for record in result.rounds if hospital.name in record.train]
    if rounds and not any(sum(outcome.scans.values()) for outcome in rounds):
        found.append(f"{hospital.name} took part without a scan to train on: its weights never counted.")
    return found
