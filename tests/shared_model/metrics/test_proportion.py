"""Intervals of shares against scipy and a simulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from shared_model.metrics.proportion import Proportion


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_of_one_scan_a_patient_it_is_scipys_wilson_interval(kn: tuple[int, int]) -> None:
    expected = binomtest(*kn).proportion_ci(method="wilson")
    assert Proportion(*kn, patients=kn[1]).interval == pytest.approx((expected.low, expected.high), abs=1e-12)


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.integers(1, 5))
def test_of_scans_that_repeat_patients_it_is_the_patients_interval(kn: tuple[int, int], times: int) -> None:
    k, n = kn
    expected = binomtest(k, n).proportion_ci(method="wilson")
    found = Proportion(k * times, n * times, patients=n)
    assert found.interval == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert found.as_json()["k"] == k * times and found.as_json()["n"] == n * times


@pytest.mark.parametrize("agreement", [0.5, 1.0])
def test_it_covers_the_truth_though_scans_of_a_patient_agree(agreement: float) -> None:
    """30 patients of 3 scans; a scan shows its patient's own result with this probability."""
    rng, truth = np.random.default_rng(0), 0.8
    covered = covered_by_scans = 0
    for _ in range(1000):
        of_patient = rng.random(30) < truth
        same = rng.random((30, 3)) < agreement
        right = int(np.where(same, of_patient[:, None], rng.random((30, 3)) < truth).sum())
        low, high = Proportion(right, 90, patients=30).interval
        covered += low <= truth <= high
        low, high = Proportion(right, 90, patients=90).interval
        covered_by_scans += low <= truth <= high
    assert covered >= 930 > covered_by_scans
