"""The probability from which on a scan is called positive."""

import numpy as np

from shared_model.constants import Task
from shared_model.metrics.score_histogram import bin_probability
from shared_model.metrics.site_evaluation import SiteEvaluation


def best_operating_point(evaluation: SiteEvaluation, task: Task) -> float:
    """The probability that splits `evaluation` best: highest sensitivity + specificity (Youden 1950).

    Of a run of equally good bins the middle one is taken, farthest from the scans on either side.
    Where one class is missing nothing can be chosen and the paper's 0.5 stays (2.6).
    """
    positive, negative = evaluation.positive(task), evaluation.negative(task)
    if positive.total == 0 or negative.total == 0:
        return 0.5
    sensitivity = np.cumsum(positive.counts[::-1])[::-1] / positive.total
    specificity = 1 - np.cumsum(negative.counts[::-1])[::-1] / negative.total
    youden = sensitivity + specificity
    best = np.flatnonzero(youden >= youden.max() - 1e-12)
    run = best[: np.flatnonzero(np.diff(best) > 1)[0] + 1] if (np.diff(best) > 1).any() else best
    return bin_probability(int(run[len(run) // 2]))
