"""Which round's weights are kept (2.7.4), and from which probability on a scan is called positive."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared_model.constants import TASKS, Task
from shared_model.metrics import SiteEvaluation, best_operating_point
from shared_model.saved_model import OperatingPoint
from shared_model.study import StudyConfig
from shared_model.weights import Weights, only


@dataclass(frozen=True)
class Score:
    """A network's figures on validation scans; None if there are no scans to compute one from."""

    accuracy: float | None
    auc: float | None

    @property
    def key(self) -> tuple[float, float]:
        """What rounds are ordered by: accuracy, then AUC; an undefined figure is below every other."""
        return _or_lowest(self.accuracy), _or_lowest(self.auc)


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


def score_of(evaluation: SiteEvaluation, task: Task, study: StudyConfig) -> Score:
    """Accuracy at the study's operating point, and AUC."""
    accuracy = evaluation.accuracy(task, operating_point(evaluation, task, study))
    return Score(None if accuracy is None else accuracy.value, evaluation.auc_value(task))


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
