"""The next hospital: formulas written out with scipy's distributions, and a simulation of hospitals."""

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import expit, logit
from scipy.stats import norm, t

from shared_model.metrics.auc import Auc, auc
from shared_model.metrics.random_effects import between_variance, next_hospital
from shared_model.metrics.score_histogram import ScoreHistogram


def area(distance: float, patients: int, rng: np.random.Generator) -> Auc:
    found = auc(
        ScoreHistogram.of(rng.normal(distance, 1, patients)), ScoreHistogram.of(rng.normal(0, 1, patients))
    )
    assert found is not None
    return found


def flat(value: float, patients: int = 20) -> Auc:
    return Auc(value, value, value, patients, patients, patients**2, 2 * patients)


def test_formulas_written_out() -> None:
    areas = [flat(0.62), flat(0.9, 30), flat(0.75, 12), flat(0.97, 40)]
    found = next_hospital(areas)
    m, values = np.array([a.positives for a in areas]), np.array([a.value for a in areas])
    y, theta = logit(values), np.average(values, weights=m**2)
    hanley = 1 + (m - 1) * ((1 - theta) / (2 - theta) + theta / (1 + theta))
    v = theta * (1 - theta) * hanley / m**2 / (theta * (1 - theta)) ** 2

    def q(tau2: float) -> float:
        w = 1 / (v + tau2)
        return float((w * (y - np.average(y, weights=w)) ** 2).sum())

    tau2 = brentq(lambda x: q(x) - 3, 0, 50)
    w = 1 / (v + tau2)
    mean, variance = np.average(y, weights=w), 1 / w.sum()
    assert q(tau2) / 3 == pytest.approx(1)  # Hartung and Knapp's factor on the variance of the mean
    assert found is not None and found.tau == pytest.approx(np.sqrt(tau2))
    assert found.value == pytest.approx(expit(mean))
    half = t.ppf(0.975, 3) * np.sqrt(variance)
    assert (found.mean_low, found.mean_high) == pytest.approx((expit(mean - half), expit(mean + half)))
    half = t.ppf(0.975, 2) * np.sqrt(tau2 + variance)
    assert (found.low, found.high) == pytest.approx((expit(mean - half), expit(mean + half)))
    assert (found.hospitals, found.n) == (4, 204)


def test_hospitals_that_are_alike_have_no_variance_between_them() -> None:
    found = next_hospital([flat(0.8)] * 5)
    assert found is not None and found.tau == 0
    assert found.low < found.mean_low < found.value < found.mean_high < found.high
    assert between_variance(np.array([1.0, 1.0, 1.0]), np.array([0.1, 0.2, 0.3])) == 0


def test_areas_of_one_and_zero_have_a_logit() -> None:
    few = next_hospital([flat(1.0, 3), flat(1.0, 3), flat(1.0, 3)])
    assert few is not None and few.value == pytest.approx(1 - 0.5 / 4)
    found = next_hospital([flat(1.0)] * 3)
    assert found is not None and 0 < found.low < 0.95 < found.value < found.high < 1
    mixed = next_hospital([flat(1.0), flat(0.0), flat(0.5)])
    assert mixed is not None and np.isfinite([mixed.low, mixed.high, mixed.tau]).all()


@pytest.mark.parametrize("hospitals", [0, 1, 2])
def test_fewer_than_three_hospitals_predict_nothing(hospitals: int) -> None:
    assert next_hospital([flat(0.8)] * hospitals) is None


@pytest.mark.parametrize("spread", [0.0, 0.4])
def test_the_next_hospital_falls_into_its_interval_as_often_as_it_says(spread: float) -> None:
    """Six hospitals whose distances between classes vary, and a seventh."""
    rng, inside, rounds = np.random.default_rng(4), 0, 300
    for _ in range(rounds):
        distances = rng.normal(1.5, spread, 7)
        found = next_hospital([area(distance, 25, rng) for distance in distances[:6]])
        assert found is not None
        inside += found.low <= norm.cdf(distances[6] / np.sqrt(2)) <= found.high
    assert inside / rounds >= 0.86
