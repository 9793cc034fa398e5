"""Temperature and calibration error against scipy's optimiser and the scores themselves."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import expit

from shared_model.metrics.calibration import calibration_groups, expected_calibration_error, fit_temperature
from shared_model.metrics.score_histogram import ScoreHistogram

BIN = 1 / 32


def drawn(slope: float, n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits in the middle of bins, and which are positive: with probability sigmoid(slope x logit)."""
    rng = np.random.default_rng(seed)
    logits = (np.floor(rng.normal(0, 3, n) / BIN) + 0.5) * BIN
    return logits, rng.random(n) < expit(slope * logits)


def histograms(logits: np.ndarray, positive: np.ndarray) -> tuple[ScoreHistogram, ScoreHistogram]:
    return ScoreHistogram.of(logits[positive]), ScoreHistogram.of(logits[~positive])


def test_overconfident_scores_are_cooled_by_what_they_exaggerate() -> None:
    logits, positive = drawn(0.4, 20_000)
    assert fit_temperature(*histograms(logits, positive)) == pytest.approx(2.5, rel=0.05)


@pytest.mark.parametrize(("slope", "n"), [(0.3, 40), (1.0, 60), (3.0, 200)])
def test_it_is_the_most_likely_temperature(slope: float, n: int) -> None:
    logits, positive = drawn(slope, n)
    p, q = positive.sum(), (~positive).sum()
    target = np.where(positive, (p + 1) / (p + 2), 1 / (q + 2))

    def loss(inverse: float) -> float:
        return float((np.logaddexp(0, inverse * logits) - target * inverse * logits).sum())

    best = minimize_scalar(loss, bounds=(1e-4, 50), method="bounded", options={"xatol": 1e-10})
    assert fit_temperature(*histograms(logits, positive)) == pytest.approx(1 / best.x, rel=1e-4)


def test_classes_that_are_apart_are_not_certain() -> None:
    found = fit_temperature(ScoreHistogram.of(np.full(10, 4.0)), ScoreHistogram.of(np.full(10, -4.0)))
    assert found is not None and found > 0.5
    assert expit(4 / found) == pytest.approx(11 / 12, abs=0.02)


def test_where_no_temperature_fits_there_is_none() -> None:
    some = ScoreHistogram.of(np.array([1.0, 2.0]))
    assert fit_temperature(some, ScoreHistogram()) is None and fit_temperature(ScoreHistogram(), some) is None
    low, high = ScoreHistogram.of(np.full(5, -3.0)), ScoreHistogram.of(np.full(5, 3.0))
    assert fit_temperature(low, high) is None  # the wrong way round
    assert fit_temperature(some, ScoreHistogram.of(np.full(50, 1.5))) is None  # all on one side


@pytest.mark.parametrize("temperature", [1.0, 2.5])
def test_the_error_is_that_of_ten_equal_groups_of_scores(temperature: float) -> None:
    rng = np.random.default_rng(1)
    logits = (rng.permutation(600)[:200] - 300 + 0.5) * BIN  # no two in one bin
    positive = rng.random(200) < expit(0.4 * logits)
    order = np.argsort(logits)
    expected = sum(
        abs(expit(logits[group] / temperature).mean() - positive[group].mean()) * len(group) / 200
        for group in np.array_split(order, 10)
    )
    found = expected_calibration_error(*histograms(logits, positive), temperature)
    assert found == pytest.approx(expected)


def test_scaling_lessens_the_error_of_overconfident_scores() -> None:
    fitted, tested = drawn(0.4, 2000, seed=2), drawn(0.4, 2000, seed=3)
    temperature = fit_temperature(*histograms(*fitted))
    assert temperature is not None
    before = expected_calibration_error(*histograms(*tested), 1.0)
    after = expected_calibration_error(*histograms(*tested), temperature)
    assert before is not None and after is not None and after < 0.5 * before


def test_few_scans_or_none() -> None:
    one = ScoreHistogram.of(np.array([2.0 + BIN / 2]))
    assert expected_calibration_error(one, ScoreHistogram(), 1.0) == pytest.approx(1 - expit(2 + BIN / 2))
    assert expected_calibration_error(ScoreHistogram(), ScoreHistogram(), 1.0) is None


def test_groups_are_like_sized_and_hold_all_scans() -> None:
    logits, positive = drawn(0.5, 237, seed=4)
    p, q = histograms(logits, positive)
    fewer = ScoreHistogram(p.counts, p.total // 2), ScoreHistogram(q.counts, q.total // 2)
    groups = calibration_groups(*fewer, 1.7)
    assert len(groups) == 10
    assert sum(group.positive.k for group in groups) == positive.sum()
    assert sum(group.positive.n for group in groups) == 237
    scores = np.sort(expit(logits / 1.7))
    ends = np.cumsum([0, *(group.positive.n for group in groups)])
    for group, low, high in zip(groups, ends, ends[1:], strict=False):
        assert group.predicted == pytest.approx(scores[low:high].mean())
        assert 20 <= group.positive.n <= 27 and group.positive.patients == group.positive.n * 118 // 237
    assert calibration_groups(ScoreHistogram(), ScoreHistogram(), 1.0) == []
