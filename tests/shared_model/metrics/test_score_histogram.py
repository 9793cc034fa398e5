"""Histograms of scores: what they keep, and what they refuse."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared_model.metrics.score_histogram import (
    ScoreHistogram,
    bin_logits,
    bin_probability,
    called_positive,
    probability_bin,
)


def test_the_end_bins_hold_what_lies_beyond() -> None:
    histogram = ScoreHistogram.of(np.array([-np.inf, -99, 99, np.inf]))
    assert histogram.counts[0] == histogram.counts[-1] == 2
    with pytest.raises(ValueError):
        ScoreHistogram.of(np.array([np.nan]))


def test_merging_adds_scans_and_patients() -> None:
    one, two = ScoreHistogram.of(np.array([0.3, 0.3, 2.0]), 2), ScoreHistogram.of(np.array([0.3]))
    both = one.merge(two)
    assert (both.total, both.patients) == (4, 3)
    assert both.counts[int((16.3) * 32)] == 3
    again = ScoreHistogram.from_json(both.to_json())
    assert again.to_json() == both.to_json() and again.patients == 3


@pytest.mark.parametrize("patients", [0, 3, -1])
def test_patients_have_a_scan_each(patients: int) -> None:
    with pytest.raises(ValueError, match="patients"):
        ScoreHistogram.of(np.zeros(2), patients)


@pytest.mark.parametrize(
    "document",
    [{}, {"bins": {"3": 1}}, {"patients": 1, "bins": {"3": 1}, "scans": 1},
     {"patients": 1, "bins": {"9999": 1}}, {"patients": 1, "bins": {"3": -1}},
     {"patients": 1, "bins": {"3": 1.0}}, {"patients": 1, "bins": {"3": True}},
     {"patients": True, "bins": {"3": 1}}, {"patients": 1.0, "bins": {"3": 1}},
     {"patients": 2, "bins": {"3": 1}}, {"patients": 0, "bins": {"3": 1}},
     {"patients": 1, "bins": {}}, {"patients": 1, "bins": {"3": 2**40}}],
)  # fmt: skip
def test_a_malformed_histogram_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        ScoreHistogram.from_json(document)


@given(st.floats(-14, 14), st.lists(st.floats(-20, 20), min_size=1, max_size=20))
def test_called_positive_are_those_that_the_histogram_counts(point: float, logits: list[float]) -> None:
    probability = 1 / (1 + np.exp(-point))
    values = np.array(logits)
    called = called_positive(values, probability)
    assert called.sum() == ScoreHistogram.of(values).at_least(probability_bin(probability))


def test_bins_are_where_their_probabilities_are() -> None:
    for number in (0, 300, 512, 1023):
        assert probability_bin(bin_probability(number)) == number
    assert bin_logits()[512] == 1 / 64 and bin_logits()[0] == -16 + 1 / 64
    np.testing.assert_array_equal(called_positive(np.array([-0.001, 0.0, 0.001]), 0.5), [False, True, True])
