"""The figures of a block against sklearn and scipy on the scores themselves."""

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import accuracy_score, recall_score, roc_auc_score

from server.report.task_metrics import roc_points, task_block, undefined_block
from shared_model.metrics.score_histogram import ScoreHistogram
from shared_model.metrics.site_evaluation import SiteEvaluation

# Scores in the middle of the histogram's bins, so that binning loses nothing.
BIN = 32 / 1024
POINT = 1 / (1 + np.exp(-8 * BIN))  # a logit on an edge between bins


def scores(rng: np.random.Generator, centre: float, n: int) -> np.ndarray:
    return (np.floor(rng.normal(centre, 1.0, n) / BIN) + 0.5) * BIN


@pytest.fixture
def by_label() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {"healthy": scores(rng, -0.8, 57), "covid": scores(rng, 1.0, 41), "other": scores(rng, 0.4, 23)}


def evaluation(by_label: dict[str, np.ndarray]) -> SiteEvaluation:
    histograms = {label: ScoreHistogram.of(values) for label, values in by_label.items()}
    return SiteEvaluation({"diseased": histograms, "covid": {}})


def nothing(label: str) -> str:
    return f"no {label}"


def test_a_block_says_what_sklearn_says_of_the_scores(by_label: dict[str, np.ndarray]) -> None:
    block = task_block(evaluation(by_label), "diseased", POINT, nothing)
    truth = np.concatenate([np.full(len(v), label != "healthy") for label, v in by_label.items()])
    values = np.concatenate(list(by_label.values()))
    called = values > 8 * BIN
    assert block["n"] == 121
    assert block["undefined"] == {}
    assert block["accuracy"]["value"] == pytest.approx(accuracy_score(truth, called))
    assert block["sensitivity"]["value"] == pytest.approx(recall_score(truth, called))
    assert block["specificity"]["value"] == pytest.approx(recall_score(~truth, ~called))
    assert block["sensitivity_covid"]["value"] == pytest.approx((by_label["covid"] > 8 * BIN).mean())
    assert block["sensitivity_other"]["value"] == pytest.approx((by_label["other"] > 8 * BIN).mean())
    assert block["auc"]["value"] == pytest.approx(roc_auc_score(truth, values))


@pytest.mark.parametrize(
    "figure", ["accuracy", "sensitivity", "specificity", "sensitivity_covid", "sensitivity_other"]
)
def test_intervals_are_wilsons(by_label: dict[str, np.ndarray], figure: str) -> None:
    told = task_block(evaluation(by_label), "diseased", POINT, nothing)[figure]
    oracle = binomtest(told["k"], told["n"]).proportion_ci(method="wilson")
    assert (told["low"], told["high"]) == pytest.approx((oracle.low, oracle.high))
    assert told["value"] == told["k"] / told["n"]


def test_what_no_scan_tells_is_undefined_with_the_reason(by_label: dict[str, np.ndarray]) -> None:
    block = task_block(evaluation({"covid": by_label["covid"]}), "diseased", POINT, nothing)
    assert block["specificity"] is None and block["auc"] is None and block["sensitivity_other"] is None
    assert block["undefined"] == {
        "specificity": "no healthy",
        "sensitivity_other": "no other",
        "auc": "no healthy",
    }
    assert block["accuracy"] == block["sensitivity"] == block["sensitivity_covid"]


def test_an_empty_block_has_no_figure_at_all() -> None:
    block = undefined_block("covid", "it failed")
    assert block == {
        "n": 0, "accuracy": None, "sensitivity": None, "specificity": None, "auc": None,
        "undefined": dict.fromkeys(("accuracy", "sensitivity", "specificity", "auc"), "it failed"),
    }  # fmt: skip


def test_the_area_under_the_drawn_curve_is_the_auc(by_label: dict[str, np.ndarray]) -> None:
    drawn = np.array(roc_points(evaluation(by_label), "diseased"))
    assert drawn[0].tolist() == [0, 0] and drawn[-1].tolist() == [1, 1]
    assert (np.diff(drawn, axis=0) >= 0).all()
    truth = np.repeat([False, True, True], [57, 41, 23])
    oracle = roc_auc_score(truth, np.concatenate(list(by_label.values())))
    assert np.trapezoid(drawn[:, 1], drawn[:, 0]) == pytest.approx(oracle)
    assert roc_points(evaluation({"covid": by_label["covid"]}), "diseased") is None
