"""The scan decision in closed form: a regularised linear discriminant (Fisher 1936; Friedman 1989) from sums.

Both classes count alike, however many scans each has. Nothing is iterated, so the result depends on the scans
alone, not on which hospital holds them.
"""

import numpy as np
from numpy.typing import NDArray

from shared_model.constants import NEGATIVE, POSITIVE, Task
from shared_model.label_sums import GRID, LabelSums, Sums
from shared_model.scan_figures import CENTRE, COEFFICIENTS, FIGURES, INTERCEPT, FigureSet
from shared_model.weights import Weights

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]


def fit_scan_decision(sums: LabelSums, task: Task, figure_set: FigureSet, ridge: float) -> Weights | None:
    """The arrays of the scan head of `task`; None if no scan of one of the classes was sent, if no figure of
    the task differs between the classes, or if the sums have no solution.

    A figure that the task is not decided by has coefficient 0.

    The logit of a scan with figures x is w . (x - c): c is the middle of both class means, and w solves
    (S + ridge x diag(S) + e I) w = difference of the class means, S being the mean of both classes'
    covariance matrices. With normal figures of equal covariance this is the logarithm of the odds at equal
    prevalence.
    """
    positive, negative = sums.of_class(POSITIVE[task]), sums.of_class(NEGATIVE[task])
    if positive is None or negative is None:
        return None
    (mean_1, cov_1), (mean_0, cov_0) = _moments(positive), _moments(negative)
    within = (cov_1 + cov_0) / 2
    # A figure that is constant within both classes has no variance: e keeps the system solvable.
    within += np.diag(ridge * np.diag(within) + _LEAST_VARIANCE)
    used = np.flatnonzero([task in figure.tasks for figure in FIGURES[figure_set]])
    coefficients = np.zeros(len(within))
    try:
        coefficients[used] = np.linalg.solve(within[np.ix_(used, used)], (mean_1 - mean_0)[used])
    except np.linalg.LinAlgError:  # not of sums over scans: made-up ones can cancel
        return None
    if not coefficients.any() or not (np.abs(coefficients) <= _LARGEST).all():
        return None
    return {
        f"{task}/{COEFFICIENTS}": coefficients.astype(np.float32),
        f"{task}/{CENTRE}": ((mean_1 + mean_0) / 2).astype(np.float32),
        f"{task}/{INTERCEPT}": np.zeros(1, np.float32),
    }


_LEAST_VARIANCE = 1e-4
_LARGEST = np.finfo(np.float32).max


def _moments(sums: Sums) -> tuple[Vector, Matrix]:
    """Mean [figure] and covariance [figure, figure] of a class.

    Sums are exact in float64 below 2^53; beyond, they are rounded, in one way for given sums.
    """
    scans = float(sums[0, 0])
    mean = sums[0, 1:].astype(np.float64) * GRID / scans
    second = sums[1:, 1:].astype(np.float64) * GRID**2 / scans
    return mean, second - np.outer(mean, mean)
