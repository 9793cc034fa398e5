import itertools

import numpy as np
import pytest

from server.model_selection import (
    Best,
    Score,
    keep_best,
    operating_points,
    score_of,
    temperatures,
    with_best,
)
from shared_model.constants import Task
from shared_model.metrics.score_histogram import ScoreHistogram
from shared_model.metrics.site_evaluation import SiteEvaluation
from shared_model.study_stage import StageConfig
from tests.support.fake_sites import BOTH, study_of, weights_of


def kept_after(*scores: tuple[float | None, float | None]) -> int:
    best: dict[Task, Best] = {}
    for round, (accuracy, auc) in enumerate(scores, start=1):
        best = keep_best(
            best, round=round, weights=weights_of(round), scores={"diseased": Score(accuracy, auc)}
        )
    assert set(best) == {"diseased"}
    kept = best["diseased"]
    np.testing.assert_array_equal(
        kept.weights["diseased/lobe.weight"], weights_of(kept.round)["diseased/lobe.weight"]
    )
    assert all(name.startswith("diseased/") for name in kept.weights)
    return kept.round


@pytest.mark.parametrize(
    ("scores", "kept"),
    [
        ([(0.7, 0.9), (0.8, 0.5), (0.75, 0.99)], 2),  # accuracy first
        ([(0.8, 0.5), (0.8, 0.7), (0.8, 0.6)], 2),  # then AUC
        ([(0.8, 0.7), (0.8, 0.7), (0.8, 0.7)], 3),  # then the later round
        ([(None, None), (None, None)], 2),  # nothing to measure on
        ([(0.0, None), (None, None)], 1),  # an undefined figure is below every other
        ([(0.5, None), (0.5, 0.0)], 2),
    ],
)
def test_the_kept_round(scores: list[tuple[float | None, float | None]], kept: int) -> None:
    assert kept_after(*scores) == kept


def test_undefined_figures_are_ordered_as_when_they_were_written_as_minus_one() -> None:
    """By the words of 2.7.4 on numbers: the last of the rounds with the highest accuracy, then AUC."""
    figures = (None, 0.0, 0.5, 1.0)
    scores = list(itertools.product(figures, figures))
    for rounds in itertools.product(scores, repeat=2):
        numbers = [tuple(-1.0 if figure is None else figure for figure in score) for score in rounds]
        expected = 2 if numbers[1] >= numbers[0] else 1
        best: dict[Task, Best] = {}
        for round, score in enumerate(rounds, start=1):
            best = keep_best(best, round=round, weights={}, scores={"covid": Score(*score)})
        assert best["covid"].round == expected, rounds


def test_each_networks_best_round_is_put_together() -> None:
    of_covid = {name: array for name, array in weights_of(1).items() if name.startswith("covid")}
    best: dict[Task, Best] = {"covid": Best(1, Score(1, 1), of_covid)}
    chosen = with_best(weights_of(2), best)
    assert list(chosen) == list(weights_of(2))
    np.testing.assert_array_equal(chosen["covid/shared.weight"], weights_of(1)["covid/shared.weight"])
    np.testing.assert_array_equal(chosen["diseased/shared.weight"], weights_of(2)["diseased/shared.weight"])


def evaluation_of(healthy: list[float], covid: list[float]) -> SiteEvaluation:
    histograms = {
        "healthy": ScoreHistogram.of(np.array(healthy)),
        "covid": ScoreHistogram.of(np.array(covid)),
    }
    return SiteEvaluation({"diseased": histograms, "covid": {}})


def test_accuracy_is_taken_at_the_studys_operating_point() -> None:
    """All probabilities far above 0.5, as the maximum over slices makes them, but well apart."""
    inflated = evaluation_of([2.0, 2.2, 2.4], [4.0, 4.2, 4.4])
    half, chosen = study_of(BOTH), study_of(BOTH, operating_point="validation")
    assert score_of([inflated], "diseased", half) == Score(0.5, 1.0)
    assert score_of([inflated], "diseased", chosen) == Score(1.0, 1.0)
    assert score_of([inflated], "covid", chosen) == Score(None, None)
    assert operating_points(inflated, half).diseased == 0.5
    between = operating_points(inflated, chosen)
    assert 1 / (1 + np.exp(-2.4)) < between.diseased < 1 / (1 + np.exp(-4.0)) and between.covid == 0.5


def test_a_round_that_only_tells_the_scanner_has_no_area() -> None:
    """Pooled, the scores are in perfect order; inside each hospital there is nothing to order."""
    study = study_of(BOTH, operating_point="validation")
    ill, well = evaluation_of([], [4.0] * 20), evaluation_of([-4.0] * 20, [])
    pooled = ill.merge(well).auc("diseased")
    assert pooled is not None and pooled.value == 1
    assert score_of([ill, well], "diseased", study) == Score(1.0, None)
    both = [evaluation_of([2.0] * 3, [2.0] * 57), evaluation_of([-2.0] * 57, [-2.0] * 3)]
    assert score_of(both, "diseased", study) == Score(0.95, 0.5)


def test_temperatures_fit_the_validation_scans() -> None:
    draw = np.random.default_rng(0)
    logits = draw.normal(0, 3, 4000)
    ill = draw.random(4000) < 1 / (1 + np.exp(-logits / 2))
    fitted = temperatures(evaluation_of(list(logits[~ill]), list(logits[ill])))
    assert fitted.diseased == pytest.approx(2, rel=0.1) and fitted.covid == 1


def test_validation_is_never_missed_after_the_last_round() -> None:
    stage = StageConfig(name="s", networks=("covid",), rounds=5, validate_every=3)
    assert [round for round in range(1, 6) if stage.validates(round)] == [3, 5]
