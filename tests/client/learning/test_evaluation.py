"""What leaves of scored scans: histograms, calls and patients by label."""

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from client.learning.evaluation import at_the_floor, evaluation_of, patient_count
from preprocessing.store.scan_record import ScanRecord
from shared_model.metrics.score_histogram import bin_probability, probability_bin
from tests.support.stores import scan_of

LABELS = ("healthy", "covid", "other")


def records(label: str, count: int, patients: int) -> list[ScanRecord]:
    return [scan_of(f"{label}{i}", label, slices=1, fold=(i % patients) / 100)[0] for i in range(count)]


def test_calls_are_the_confusion_matrix_of_both_decisions() -> None:
    draw = np.random.default_rng(0)
    scans = [scan for label in LABELS for scan in records(label, 20, 15)]
    scored = [(s, {"diseased": draw.normal(0, 2), "covid": draw.normal(0, 2)}) for s in scans]
    point = {"diseased": bin_probability(530), "covid": bin_probability(500)}
    found = evaluation_of(scored, point)
    edges = {task: probability_bin(value) / 32 - 16 for task, value in point.items()}
    called = [
        "healthy"
        if s["diseased"] < edges["diseased"]
        else "covid"
        if s["covid"] >= edges["covid"]
        else "other"
        for _, s in scored
    ]
    expected = confusion_matrix([s.label for s, _ in scored], called, labels=LABELS)
    assert [[found.calls.count(t, c) for c in LABELS] for t in LABELS] == expected.tolist()
    for label in LABELS:
        histogram = found.histograms["diseased"][label]
        assert (histogram.total, histogram.patients) == (20, 15)
        diseased = found.calls.count(label, "covid") + found.calls.count(label, "other")
        assert histogram.at_least(530) == diseased  # the two tell of the same decision
    assert evaluation_of(scored, None).calls.counts == {}


def test_a_label_without_scans_and_a_task_without_scores_are_left_out() -> None:
    scored = [(scan, {"covid": 1.0}) for scan in records("covid", 3, 3)]
    found = evaluation_of(scored, None)
    assert found.histograms["diseased"] == {} and set(found.histograms["covid"]) == {"covid"}
    assert evaluation_of([], {"diseased": 0.5, "covid": 0.5}).to_json()["calls"] == {}
    with pytest.raises(ValueError):
        evaluation_of([(records("covid", 1, 1)[0], {"covid": float("nan")})], None)


def test_the_floor_counts_patients() -> None:
    few, enough = records("covid", 9, 2), records("other", 3, 3)
    assert patient_count(few) == 2
    assert set(at_the_floor([*few, *enough], 3)) == {"other"}
    assert set(at_the_floor([*few, *enough], 2)) == {"covid", "other"}
    assert at_the_floor([], 0) == {}
