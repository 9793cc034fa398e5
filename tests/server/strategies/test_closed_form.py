"""The closed form against scikit-learn and by partition; what is undecidable."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from server.strategies.closed_form import fit_scan_decision
from shared_model.label_sums import LabelSums
from shared_model.scan_figures import FIGURES
from shared_model.weights import fingerprint

FIGURE_COUNT = len(FIGURES["law-free"])
RIDGE = 1e-9


def drawn(seed: int, counts: dict[str, int]) -> dict[str, list[np.ndarray]]:
    draw = np.random.default_rng(seed)
    mix = 2 * np.eye(FIGURE_COUNT) + 0.3 * draw.normal(size=(FIGURE_COUNT, FIGURE_COUNT))
    centre = {label: draw.normal(size=FIGURE_COUNT) for label in counts}
    return {
        label: list(draw.normal(size=(count, FIGURE_COUNT)) @ mix + centre[label])
        for label, count in counts.items()
    }


def logits(arrays: dict[str, np.ndarray], task: str, figures: np.ndarray) -> np.ndarray:
    named = {name.rsplit(".", 1)[1]: array.astype(np.float64) for name, array in arrays.items()}
    assert all(name.startswith(f"{task}/scan_decision.") for name in arrays)
    return named["intercept"][0] + (figures - named["centre"]) @ named["coefficients"]


def test_it_is_the_linear_discriminant_at_equal_prevalence() -> None:
    figures = drawn(1, {"covid": 60, "other": 60})
    arrays = fit_scan_decision(LabelSums.of(figures), "covid", "law-free", RIDGE)
    assert arrays is not None
    x, y = np.concatenate(list(figures.values())), np.repeat([1, 0], 60)
    # With as many scans of either class the pooled covariance is the mean of both.
    oracle = LinearDiscriminantAnalysis(priors=[0.5, 0.5], solver="lsqr").fit(x, y)
    found = logits(arrays, "covid", x)
    np.testing.assert_allclose(found, oracle.decision_function(x), rtol=0.01, atol=0.01)


def test_the_number_of_scans_of_a_class_moves_nothing() -> None:
    figures = drawn(2, {"covid": 40, "other": 15})
    once = fit_scan_decision(LabelSums.of(figures), "covid", "law-free", 0.1)
    thrice = fit_scan_decision(
        LabelSums.of({"covid": 3 * figures["covid"], "other": figures["other"]}), "covid", "law-free", 0.1
    )
    assert once is not None and thrice is not None and fingerprint(once) == fingerprint(thrice)


@given(st.lists(st.integers(0, 5), min_size=50, max_size=50))
def test_any_partition_gives_the_same_bits(hospital_of: list[int]) -> None:
    figures = drawn(3, {"covid": 20, "other": 14, "healthy": 16})
    rows = [(label, row) for label, of in figures.items() for row in of]
    merged = LabelSums({})
    for hospital in range(6):
        here: dict[str, list[np.ndarray]] = {}
        for (label, row), where in zip(rows, hospital_of, strict=True):
            if where == hospital:
                here.setdefault(label, []).append(row)
        merged = merged.merge(LabelSums.of(here))
    for task in ("diseased", "covid"):
        one = fit_scan_decision(LabelSums.of(figures), task, "law-free", 0.1)
        other = fit_scan_decision(merged, task, "law-free", 0.1)
        assert one is not None and other is not None and fingerprint(one) == fingerprint(other)


def test_figures_that_are_constant_give_finite_coefficients() -> None:
    figures = {
        label: [np.full(FIGURE_COUNT, value)] * 20 for label, value in (("covid", 1.0), ("other", 1.0))
    }
    assert fit_scan_decision(LabelSums.of(figures), "covid", "law-free", 0.1) is None
    figures["covid"] = [np.full(FIGURE_COUNT, 2.0)] * 20
    arrays = fit_scan_decision(LabelSums.of(figures), "covid", "law-free", 0.1)
    assert arrays is not None and all(np.isfinite(array).all() for array in arrays.values())


def test_a_figure_of_another_task_has_no_part() -> None:
    draw = np.random.default_rng(4)
    figures = {label: list(draw.normal(size=(20, 4))) for label in ("covid", "other", "healthy")}
    arrays = fit_scan_decision(LabelSums.of(figures), "diseased", "infection-map", 0.1)
    assert arrays is not None
    used = ["diseased" in figure.tasks for figure in FIGURES["infection-map"]]
    assert (arrays["diseased/scan_decision.coefficients"] != 0).tolist() == used


@pytest.mark.parametrize("counts", [{"covid": 9}, {"healthy": 9}, {}, {"healthy": 9, "covid": 0}])
def test_without_both_classes_there_is_no_decision(counts: dict[str, int]) -> None:
    assert fit_scan_decision(LabelSums.of(drawn(5, counts)), "covid", "law-free", 0.1) is None
