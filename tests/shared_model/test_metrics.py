"""Mergeable figures against scipy and scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import roc_auc_score

from shared_model import metrics
from shared_model.metrics import Proportion, ScoreHistogram, SiteEvaluation


def evaluation(**logits: list[float]) -> SiteEvaluation:
    histograms = {label: ScoreHistogram.of(np.array(values)) for label, values in logits.items()}
    covid = {label: h for label, h in histograms.items() if label != "healthy"}
    return SiteEvaluation({"diseased": histograms, "covid": covid})


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_interval_is_scipys(kn: tuple[int, int]) -> None:
    expected = binomtest(*kn).proportion_ci(method="wilson")
    assert Proportion(*kn).interval == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_auc_is_scikit_learns_on_separate_bins() -> None:
    generator = np.random.default_rng(0)
    positive, negative = generator.normal(1, 2, 80), generator.normal(0, 2, 60)
    bins = np.floor((np.concatenate([positive, negative]) + 16) * 32)  # scores as the histogram knows them
    expected = roc_auc_score(np.repeat([1, 0], [80, 60]), bins)
    ours = metrics.auc(ScoreHistogram.of(positive), ScoreHistogram.of(negative))
    assert ours["value"] == pytest.approx(expected, abs=1e-12)
    assert ours["low"] < expected < ours["high"] and ours["n"] == 140


def test_auc_interval_covers_as_often_as_it_says() -> None:
    generator, covered = np.random.default_rng(1), 0
    truth = 0.8556  # P(N(1.5, 1) > N(0, 1)) = Phi(1.5 / sqrt 2)
    for _ in range(400):
        result = metrics.auc(
            ScoreHistogram.of(generator.normal(1.5, 1, 20)), ScoreHistogram.of(generator.normal(0, 1, 20))
        )
        covered += result["low"] <= truth <= result["high"]
    assert 0.92 <= covered / 400 <= 0.99


def test_auc_at_one_is_not_certain() -> None:
    result = metrics.auc(ScoreHistogram.of(np.full(12, 3.0)), ScoreHistogram.of(np.full(12, -3.0)))
    assert result["value"] == result["high"] == 1 and 0.7 < result["low"] < 1


def test_an_empty_class_has_no_auc() -> None:
    assert metrics.auc(ScoreHistogram(), ScoreHistogram.of(np.zeros(3))) is None


def test_merging_sites_is_pooling_scans() -> None:
    one, two = evaluation(healthy=[-2, 0.3], covid=[1.0]), evaluation(healthy=[5.0], other=[-1.0, 2.0])
    pooled = evaluation(healthy=[-2, 0.3, 5.0], covid=[1.0], other=[-1.0, 2.0])
    assert one.merge(two).to_json() == two.merge(one).to_json() == pooled.to_json()
    assert SiteEvaluation.from_json(pooled.to_json()).to_json() == pooled.to_json()


@pytest.mark.parametrize(
    "document",
    [{}, {"diseased": {}}, {"diseased": {"x": {}}, "covid": {}},
     {"diseased": {"covid": {"9999": 1}}, "covid": {}},
     {"diseased": {"covid": {"3": -1}}, "covid": {}}, {"diseased": {}, "covid": {"healthy": {}}}],
)  # fmt: skip
def test_a_malformed_evaluation_is_refused(document: dict) -> None:
    with pytest.raises(ValueError):
        SiteEvaluation.from_json(document)


def test_the_end_bins_hold_what_lies_beyond() -> None:
    histogram = ScoreHistogram.of(np.array([-np.inf, -99, 99, np.inf]))
    assert histogram.counts[0] == histogram.counts[-1] == 2
    with pytest.raises(ValueError):
        ScoreHistogram.of(np.array([np.nan]))


@given(
    st.lists(st.floats(-10, 10), min_size=1, max_size=30),
    st.lists(st.floats(-10, 10), min_size=1, max_size=30),
)
def test_the_operating_point_is_the_best_of_all(positive: list[float], negative: list[float]) -> None:
    scores = evaluation(covid=positive, healthy=negative)
    point = metrics.best_operating_point(scores, "diseased")

    def youden(threshold: float) -> float:
        p, n = (np.floor((np.array(x) + 16) * 32) for x in (positive, negative))
        return float((p >= threshold).mean() + (n < threshold).mean())

    assert youden(metrics.probability_bin(point)) == pytest.approx(max(youden(t) for t in range(1024)))


def test_the_operating_point_lies_in_the_middle_of_the_gap() -> None:
    point = metrics.best_operating_point(evaluation(covid=[4.0], healthy=[0.0]), "diseased")
    assert np.log(point / (1 - point)) == pytest.approx(2, abs=0.1)
    assert metrics.best_operating_point(evaluation(covid=[4.0]), "diseased") == 0.5


def test_accuracy_counts_both_sides_of_the_operating_point() -> None:
    scores = evaluation(covid=[1.0, -1.0], other=[2.0], healthy=[-3.0, 0.5])
    assert scores.accuracy("diseased", 0.5) == Proportion(3, 5)
    assert scores.accuracy("covid", 0.5) == Proportion(1, 3)
    assert evaluation().accuracy("covid", 0.5) is None
