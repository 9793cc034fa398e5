"""The headline against scikit-learn hospital by hospital, and against models that only tell the scanner."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from shared_model.metrics.auc import Auc
from shared_model.metrics.score_histogram import ScoreHistogram
from shared_model.metrics.site_evaluation import SiteEvaluation, merge_all
from shared_model.metrics.within_hospital import hospital_aucs, within_hospital_auc

BIN = 1 / 32


def hospital(positive: np.ndarray | list[float], negative: np.ndarray | list[float]) -> SiteEvaluation:
    labels = {"covid": positive, "healthy": negative}
    of_label = {label: ScoreHistogram.of(np.array(values)) for label, values in labels.items() if len(values)}
    return SiteEvaluation({"diseased": of_label, "covid": {}})


def binned(values: np.ndarray) -> np.ndarray:
    return (np.floor(values / BIN) + 0.5) * BIN


def within(*hospitals: SiteEvaluation) -> Auc:
    found = within_hospital_auc(hospitals, "diseased")
    assert found is not None
    return found


def test_it_is_the_mean_of_scikit_learns_areas_weighted_by_pairs() -> None:
    rng = np.random.default_rng(0)
    hospitals, areas, pairs = {}, [], []
    for number, (positives, negatives, shift) in enumerate([(10, 40, 0.0), (30, 8, 3.0), (5, 5, -2.0)]):
        positive = binned(rng.normal(1 + shift, 1, positives))
        negative = binned(rng.normal(shift, 1, negatives))
        hospitals[str(number)] = hospital(positive, negative)
        truth = np.repeat([1, 0], [positives, negatives])
        areas.append(roc_auc_score(truth, np.concatenate([positive, negative])))
        pairs.append(positives * negatives)
    hospitals["one class"] = hospital([5.0] * 50, [])
    found = within(*hospitals.values())
    assert found.value == pytest.approx(np.average(areas, weights=pairs), abs=1e-12)
    assert (found.n, found.pairs) == (98, sum(pairs))
    each = hospital_aucs(hospitals, "diseased")
    assert [area.value for area in each.values()] == pytest.approx(areas) and "one class" not in each
    low = [(np.array(pairs) / sum(pairs))[i] * (a.value - a.low) for i, a in enumerate(each.values())]
    assert found.value - found.low == pytest.approx(np.sqrt(np.square(low).sum()))


def test_a_model_that_only_tells_the_scanner_is_worth_nothing() -> None:
    """Hospitals of many ill patients score high, whoever the patient is."""
    hospitals = [hospital([2.0] * 57, [2.0] * 3), hospital([-2.0] * 3, [-2.0] * 57)]
    pooled = merge_all(hospitals).auc("diseased")
    assert pooled is not None and pooled.value >= 0.9
    assert within(*hospitals).value == 0.5
    one_class = [hospital([2.0] * 60, []), hospital([], [-2.0] * 60)]
    pooled = merge_all(one_class).auc("diseased")
    assert pooled is not None and pooled.value == 1
    assert within_hospital_auc(one_class, "diseased") is None


def test_of_one_hospital_it_is_that_hospitals() -> None:
    one = hospital([2.0, 1.0, -0.5], [0.0, -1.0])
    alone = one.auc("diseased")
    assert alone is not None
    found = within(one)
    assert (found.value, found.low, found.high) == pytest.approx((alone.value, alone.low, alone.high))
    assert within_hospital_auc([], "diseased") is None


def test_hospitals_that_are_perfect_are_together_surer_but_not_certain() -> None:
    one = hospital([3.0] * 12, [-3.0] * 12)
    alone, four = within(one), within(one, one, one, one)
    assert four.value == four.high == 1 and alone.low < four.low < 1


@pytest.mark.parametrize("distance", [0.0, 1.5, 2.5])
def test_the_interval_covers_as_often_as_it_says(distance: float) -> None:
    """Four hospitals of different prevalence and scanner; the same area in each."""
    rng, covered, rounds = np.random.default_rng(2), 0, 300
    truth = float(roc_area(distance))
    for _ in range(rounds):
        hospitals = [
            hospital(rng.normal(shift + distance, 1, positives), rng.normal(shift, 1, 24 - positives))
            for shift, positives in ((0, 4), (3, 8), (-2, 12), (5, 18))
        ]
        found = within(*hospitals)
        covered += found.low <= truth <= found.high
    assert 0.92 <= covered / rounds <= 0.995


def roc_area(distance: float) -> float:
    """P(N(distance, 1) > N(0, 1)), by counting."""
    draws = np.random.default_rng(9).normal(distance, np.sqrt(2), 2_000_000)
    return float((draws > 0).mean())
