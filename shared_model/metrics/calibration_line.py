"""Calibration intercept and slope: how far predicted probabilities are off altogether, and how much they
exaggerate."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from shared_model.metrics.proportion import Z_95
from shared_model.metrics.score_histogram import ScoreHistogram, bin_logits

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Coefficient:
    """A coefficient of a logistic regression of n scans, with its 95 % interval (Wald)."""

    value: float
    low: float
    high: float
    n: int

    def as_json(self) -> dict[str, float | int | None]:
        return {"value": self.value, "low": self.low, "high": self.high, "k": None, "n": self.n}


def calibration_intercept(
    positive: ScoreHistogram, negative: ScoreHistogram, temperature: float
) -> Coefficient | None:
    """The `a` of logit P(positive) = a + logit / temperature; None if a class is empty.

    0 is ideal; above 0, positives are more frequent than predicted ("calibration in the large", Van Calster
    et al. 2019). Each scan has the logit in the middle of its bin, at most 1/64 from its own, so `a` is at
    most 1/64 / temperature from that of the scores themselves.
    """
    if not positive.total or not negative.total:
        return None
    logits = bin_logits() / temperature
    return _fit(np.ones((len(logits), 1)), logits, positive, negative)


def calibration_slope(
    positive: ScoreHistogram, negative: ScoreHistogram, temperature: float
) -> Coefficient | None:
    """The `b` of logit P(positive) = a + b x logit / temperature (Cox 1958); None if no finite one fits.

    1 is ideal; below 1, probabilities are too near to 0 and 1. None fits if a class is empty, or if one
    score separates the classes.
    """
    if not positive.total or not negative.total or _is_separated(positive, negative):
        return None
    logits = bin_logits() / temperature
    return _fit(np.column_stack([logits, np.ones(len(logits))]), np.zeros(len(logits)), positive, negative)


def _is_separated(positive: ScoreHistogram, negative: ScoreHistogram) -> bool:
    """Whether all positives score at least as high as all negatives, or at most as high."""
    p, q = np.flatnonzero(positive.counts), np.flatnonzero(negative.counts)
    return bool(p[0] >= q[-1] or p[-1] <= q[0])


def _fit(design: Floats, offset: Floats, positive: ScoreHistogram, negative: ScoreHistogram) -> Coefficient:
    """The first coefficient of `design` [bin, coefficient] by maximum likelihood.

    Its variance is multiplied by scans / patients: all scans of a patient count as one observation.
    """
    both = positive.merge(negative)
    scans, positives = both.counts.astype(np.float64), positive.counts.astype(np.float64)

    def loss(beta: Floats) -> float:
        eta = offset + design @ beta
        return float((scans * np.logaddexp(0, eta) - positives * eta).sum())

    def gradient(beta: Floats) -> Floats:
        return np.asarray(design.T @ (scans * expit(offset + design @ beta) - positives))

    def hessian(beta: Floats) -> Floats:
        share = expit(offset + design @ beta)
        return np.asarray(design.T @ (design * (scans * share * (1 - share))[:, None]))

    start = np.zeros(design.shape[1])
    beta = minimize(loss, start, jac=gradient, hess=hessian, method="trust-exact", options={"gtol": 1e-8}).x
    variance = np.linalg.inv(hessian(beta))[0, 0] * both.total / both.patients
    reach = Z_95 * math.sqrt(variance)
    return Coefficient(float(beta[0]), float(beta[0] - reach), float(beta[0] + reach), both.total)
