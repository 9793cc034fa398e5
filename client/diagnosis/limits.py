"""What limits a verdict: each limit is said in the same sentence as the verdict (decision 0131)."""

from collections.abc import Iterator
from dataclasses import dataclass

from client.diagnosis.diagnosis import Diagnosis
from shared_model.constants import TASK_WORDS, TASKS, Task
from shared_model.model_quality import Scans, TaskQuality, names_phantoms
from shared_model.saved_model import ModelCard

UNCERTAIN = (0.2, 0.8)
"""Calibrated probabilities between these leave a verdict less than four chances in five of being right."""

_OF_LUNGS = {
    "lungs-cut-off": "only part of the lungs is in view",
    "one-lung": "one lung is missing or nearly so",
}
_PROBABILITY: dict[Task, str] = {
    "diseased": "the probability of disease",
    "covid": "the probability of COVID-19 rather than other pneumonia",
}
_WHERE: dict[Scans, str] = {"held_out": "at held-out hospitals", "test": "at the hospitals that trained it"}


@dataclass(frozen=True)
class Limit:
    """code: stable, for machines; words: a clause in plain English."""

    code: str
    words: str


def limits(diagnosis: Diagnosis) -> tuple[Limit, ...]:
    """All that limits the verdict, in the order in which it is said."""
    return (
        *_of_probabilities(diagnosis),
        *_of_map(diagnosis),
        *_of_lungs(diagnosis),
        *_of_quality(diagnosis),
        *_of_training(diagnosis.card),
        *_of_series(diagnosis),
    )


def is_uncertain(diagnosis: Diagnosis) -> bool:
    """Whether a decision that the verdict rests on has less than four chances in five of being right."""
    return next(_of_probabilities(diagnosis), None) is not None


def is_research_only(card: ModelCard) -> bool:
    """Whether the model was trained on phantoms, or either network is not known to be better than chance."""
    near_chance = card.quality is None or any(card.quality.of(task).is_near_chance for task in TASKS)
    return near_chance or names_phantoms(card.trained_on)


def _decisions(diagnosis: Diagnosis) -> tuple[Task, ...]:
    """Those that the verdict rests on: which pneumonia it is matters only if the scan is called diseased."""
    return ("diseased",) if diagnosis.verdict == "healthy" else TASKS


def _of_probabilities(diagnosis: Diagnosis) -> Iterator[Limit]:
    low, high = UNCERTAIN
    for task in _decisions(diagnosis):
        score = diagnosis.scores[task]
        shown = f"{_PROBABILITY[task]} is {score.probability:.3f}"
        if score.positive and score.probability < high:
            yield Limit(f"uncertain-{task}", f"{shown}, below {high}")
        elif not score.positive and score.probability > low:
            yield Limit(f"uncertain-{task}", f"{shown}, above {low}")


def _of_map(diagnosis: Diagnosis) -> Iterator[Limit]:
    infected_ml = diagnosis.infected_volume().infected_ml
    if diagnosis.verdict == "healthy" and infected_ml > 0:
        yield Limit("infection-marked", f"the map marks {infected_ml:.1f} ml as infected all the same")
    if diagnosis.verdict != "healthy" and infected_ml == 0:
        yield Limit("nothing-marked", "the map marks 0 ml as infected")


def _of_lungs(diagnosis: Diagnosis) -> Iterator[Limit]:
    flags = diagnosis.scan.flags
    yield from (Limit(flag, words) for flag, words in _OF_LUNGS.items() if flag in flags)


def _of_quality(diagnosis: Diagnosis) -> Iterator[Limit]:
    quality = diagnosis.card.quality
    if quality is None:
        yield Limit("quality-unknown", "nothing is known of the model's quality")
        return
    for task in _decisions(diagnosis):
        known = quality.of(task)
        if known.judged_by is None:
            words = f"it was not measured how the model tells {TASK_WORDS[task]}"
            yield Limit(f"quality-unknown-{task}", words)
        elif known.is_near_chance:
            yield Limit(f"near-chance-{task}", _near_chance(task, known, known.judged_by))


def _near_chance(task: Task, known: TaskQuality, judged_by: Scans) -> str:
    area = getattr(known, judged_by)
    return (
        f"the model is not known to tell {TASK_WORDS[task]} better than chance "
        f"(AUC {area.value:.2f} {_WHERE[judged_by]}, 95 % interval {area.low:.2f} to {area.high:.2f})"
    )


def _of_training(card: ModelCard) -> Iterator[Limit]:
    if names_phantoms(card.trained_on):
        yield Limit("phantoms", "the model was trained on phantoms")


def _of_series(diagnosis: Diagnosis) -> Iterator[Limit]:
    if flags := [flag for flag in diagnosis.scan.flags if flag not in _OF_LUNGS]:
        yield Limit("series-flags", f"the series has the flags {', '.join(flags)}")
