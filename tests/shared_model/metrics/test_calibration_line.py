"""Calibration intercept and slope against statsmodels' logistic regressions of the scans themselves."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.special import expit

from shared_model.metrics.calibration_line import calibration_intercept, calibration_slope
from shared_model.metrics.score_histogram import ScoreHistogram

BIN = 1 / 32


def drawn(intercept: float, slope: float, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and which are positive: with probability sigmoid(intercept + slope x logit)."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0.3, 2.0, n)
    return logits, rng.random(n) < expit(intercept + slope * logits)


def middles(logits: np.ndarray) -> np.ndarray:
    """The middle of each logit's bin."""
    return (np.floor(logits / BIN) + 0.5) * BIN


def histograms(logits: np.ndarray, positive: np.ndarray) -> tuple[ScoreHistogram, ScoreHistogram]:
    return ScoreHistogram.of(logits[positive]), ScoreHistogram.of(logits[~positive])


CASES = [(0.0, 1.0, 400, 1.0), (1.2, 0.6, 90, 1.7), (-2.0, 1.8, 300, 0.4)]


@pytest.mark.parametrize(("intercept", "slope", "n", "temperature"), CASES)
def test_the_intercept_is_that_of_a_regression_with_the_logit_as_offset(
    intercept: float, slope: float, n: int, temperature: float
) -> None:
    logits, positive = drawn(intercept, slope, n, seed=n)
    found = calibration_intercept(*histograms(logits, positive), temperature)
    assert found is not None and found.n == n

    def oracle(of: np.ndarray) -> sm.GLM:
        return sm.GLM(positive, np.ones(n), sm.families.Binomial(), offset=of / temperature).fit(tol=1e-12)

    binned, exact = oracle(middles(logits)), oracle(logits)
    told = (found.value, found.low, found.high)
    assert told == pytest.approx((binned.params[0], *binned.conf_int()[0]), abs=1e-6)
    assert abs(found.value - exact.params[0]) <= BIN / 2 / temperature  # what binning can do at most


@pytest.mark.parametrize(("intercept", "slope", "n", "temperature"), CASES)
def test_the_slope_is_that_of_a_regression_on_the_logit(
    intercept: float, slope: float, n: int, temperature: float
) -> None:
    logits, positive = drawn(intercept, slope, n, seed=n)
    found = calibration_slope(*histograms(logits, positive), temperature)
    assert found is not None

    def oracle(of: np.ndarray) -> sm.GLM:
        design = sm.add_constant(of / temperature)
        return sm.GLM(positive, design, sm.families.Binomial()).fit(tol=1e-12)

    binned, exact = oracle(middles(logits)), oracle(logits)
    told = (found.value, found.low, found.high)
    assert told == pytest.approx((binned.params[1], *binned.conf_int()[1]), rel=1e-5)
    assert found.value == pytest.approx(exact.params[1], rel=0.01)


def test_scans_of_one_patient_widen_the_interval_and_move_nothing() -> None:
    logits, positive = drawn(0.5, 0.8, 200, seed=5)
    single = histograms(logits, positive)
    double = (ScoreHistogram(2 * one.counts, one.patients) for one in single)
    p, q = double
    for fit in (calibration_intercept, calibration_slope):
        once, twice = fit(*single, 1.0), fit(p, q, 1.0)
        assert once is not None and twice is not None and twice.n == 400
        assert (twice.value, twice.low, twice.high) == pytest.approx((once.value, once.low, once.high))


def test_what_is_not_defined_is_none() -> None:
    some, none = ScoreHistogram.of(np.array([-1.0, 2.0])), ScoreHistogram()
    for fit in (calibration_intercept, calibration_slope):
        assert fit(some, none, 1.0) is None and fit(none, some, 1.0) is None and fit(none, none, 1.0) is None
    high, low = ScoreHistogram.of(np.array([1.0, 2.0])), ScoreHistogram.of(np.array([-2.0, 1.0]))
    assert calibration_slope(high, low, 1.0) is None  # one score, in one bin, separates them
    assert calibration_slope(low, high, 1.0) is None
    assert calibration_slope(high, high, 1.0) is not None
    apart = calibration_intercept(high, low, 1.0)
    assert apart is not None and np.isfinite([apart.low, apart.high]).all()
