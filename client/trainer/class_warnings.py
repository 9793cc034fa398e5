"""What a hospital's people should know of their classes before they approve: few patients, or one class."""

from collections.abc import Iterator, Mapping

from client.trainer.told_counts import count_in_words
from shared_model.constants import LABEL_WORDS, LABELS, NEGATIVE, POSITIVE, TASK_WORDS, Task
from shared_model.proposal import Proposal
from shared_model.quantity import quantity

UNEVEN = 10
"""From so many times as many patients on, the more frequent side of a decision is named."""

Patients = Mapping[str, int | None]
"""By class; None for fewer than the floor."""


def class_lines(proposal: Proposal, patients: Patients | None, floor: int, *, trains: bool) -> Iterator[str]:
    """The patients of each class, and a warning for each decision that has too few on a side."""
    if patients is None:
        yield "the scans of this hospital were not counted"
        return
    counts = (f"{LABEL_WORDS[label]} {count_in_words(patients[label], floor)}" for label in LABELS)
    yield f"patients of this hospital: {', '.join(counts)}"
    tasks = {network for stage in proposal.study.stages for network in stage.networks}
    for task in sorted(tasks):
        yield from _of_task(task, patients, floor, trains=trains)


def _of_task(task: Task, patients: Patients, floor: int, *, trains: bool) -> Iterator[str]:
    sides = [sum(patients[label] or 0 for label in labels) for labels in (POSITIVE[task], NEGATIVE[task])]
    doing = "learned" if trains else "measured"
    if not any(sides):
        yield f"WARNING: {TASK_WORDS[task]} cannot be {doing} here: no class of it has {floor} patients"
    elif not all(sides):
        yield (
            f"WARNING: {TASK_WORDS[task]} is {doing} here from one side alone: the other one has no class of "
            f"{floor} patients; what this hospital sends of it leans to the side that it has"
        )
    elif trains and max(sides) >= UNEVEN * min(sides):
        yield (
            f"WARNING: {TASK_WORDS[task]}: one side has {quantity(max(sides), 'patient')}, the other "
            f"{min(sides)}; what this hospital sends leans to the larger one"
        )
