"""Which round's weights are kept (2.7.4), and from which probability on a scan is called positive."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from shared_model.constants import TASKS, Task
from shared_model.metrics.calibration import fit_temperature
from shared_model.metrics.operating_point import best_operating_point
from shared_model.metrics.site_evaluation import SiteEvaluation, merge_all
from shared_model.metrics.within_hospital import within_hospital_auc
from shared_model.saved_model import OperatingPoint, Temperature
from shared_model.study import StudyConfig
from shared_model.weights import Weights, only


@dataclass(frozen=True)
class Score:
    """A network's figures on validation scans; None if there are no scans to compute one from.

    accuracy: over the scans of all hospitals; within_auc: the area inside each hospital, averaged, as a
    pooled one rewards a model that tells the scanner.
    """

    accuracy: float | None
    within_auc: float | None

    @property
    def key(self) -> tuple[float, float]:
        """What rounds are ordered by: accuracy (2.7.4), then area; undefined is below every other figure."""
        return _or_lowest(self.accuracy), _or_lowest(self.within_auc)


def _or_lowest(figure: float | None) -> float:
    return -1.0 if figure is None else figure


@dataclass(frozen=True)
class Best:
    """The best round so far of one network in a stage, with that network's arrays."""

    round: int
    score: Score
    weights: Weights


def operating_point(evaluation: SiteEvaluation, task: Task, study: StudyConfig) -> float:
    """The probability at which the study splits `evaluation`."""
    return best_operating_point(evaluation, task) if study.operating_point == "validation" else 0.5


def operating_points(evaluation: SiteEvaluation, study: StudyConfig) -> OperatingPoint:
    return OperatingPoint(**{task: operating_point(evaluation, task, study) for task in TASKS})


def temperatures(evaluation: SiteEvaluation) -> Temperature:
    """What makes the networks' probabilities fit `evaluation`; 1 where nothing fits."""
    found = {task: fit_temperature(evaluation.positive(task), evaluation.negative(task)) for task in TASKS}
    return Temperature(**{task: value for task, value in found.items() if value is not None})


def score_of(evaluations: Collection[SiteEvaluation], task: Task, study: StudyConfig) -> Score:
    """Accuracy at the operating point that the study chooses over all `evaluations`, one a hospital, and the
    AUC within them."""
    merged = merge_all(evaluations)
    accuracy = merged.accuracy(task, operating_point(merged, task, study))
    area = within_hospital_auc(evaluations, task)
    return Score(accuracy.value if accuracy else None, area.value if area else None)


def keep_best(
    best: Mapping[Task, Best], *, round: int, weights: Weights, scores: Mapping[Task, Score]
) -> dict[Task, Best]:
    """`best` after one more validated round. Of equally good rounds the later one, which has learned more."""
    kept = dict(best)
    for task, score in scores.items():
        if task not in kept or score.key >= kept[task].score.key:
            kept[task] = Best(round, score, only(weights, task))
    return kept


def with_best(weights: Weights, best: Mapping[Task, Best]) -> Weights:
    """`weights` with each network's best round in place; the order of names stays."""
    chosen = dict(weights)
    for kept in best.values():
        chosen |= kept.weights
    return chosen
