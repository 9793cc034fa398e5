"""benchmarks/support/image_metrics.py against figures worked out by hand."""

import numpy as np

from benchmarks.support import image_metrics
from benchmarks.support.image_metrics import auc_of_alike, figures_of, patient_interval
from tests.support.published_images import image


def test_the_alike_are_pairs_that_the_baseline_does_not_part() -> None:
    covid = np.array([True, True, False, False])
    baseline = np.array([0.9, 0.5, 0.45, 0.1])
    # Only (second, third) lie within 0.1 of each other.
    assert auc_of_alike(covid, np.array([0, 2.0, 1, 9]), baseline) == 1
    assert auc_of_alike(covid, np.array([9, 1.0, 2, 0]), baseline) == 0
    assert auc_of_alike(covid, np.array([9, 1.0, 1, 0]), baseline) == 0.5
    assert auc_of_alike(covid, np.arange(4.0), np.array([1.0, 1, 0, 0])) is None


def test_intervals_are_wider_where_images_share_patients(monkeypatch) -> None:
    monkeypatch.setattr(image_metrics, "RESAMPLES", 100)
    draw = np.random.default_rng(1)
    covid = np.repeat(draw.random(40) < 0.5, 5)
    scores = np.repeat(draw.normal(size=40), 5) + covid
    own = patient_interval(covid, scores, np.arange(200).astype(str))
    shared = patient_interval(covid, scores, np.repeat(np.arange(40), 5).astype(str))
    assert shared[0] < own[0] < own[1] < shared[1]


def test_figures_join_the_folds(monkeypatch) -> None:
    monkeypatch.setattr(image_metrics, "RESAMPLES", 50)
    folds = [
        ([], [image("a", "1", True), image("b", "2", False)]),
        ([], [image("c", "3", True), image("d", "4", False)]),
    ]
    scores = [np.array([2.0, 1.0]), np.array([0.0, 3.0])]  # right, wrong; joined: 2>1, 2<3, 0<1, 0<3
    even = [np.full(2, 0.5)] * 2
    found = figures_of(folds, {"file_forest": even, "pooled": scores, "federated": scores})
    assert found["auc_pooled"] == found["auc_pooled_alike"] == 0.25
    assert (found["auc_federated_fold_1"], found["auc_federated_fold_2"]) == (1, 0)
    assert found["auc_pooled_low"] <= 0.25 <= found["auc_pooled_high"]
