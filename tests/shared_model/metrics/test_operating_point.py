"""The operating point against a search over all thresholds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared_model.metrics.operating_point import best_operating_point
from shared_model.metrics.score_histogram import ScoreHistogram, probability_bin
from shared_model.metrics.site_evaluation import SiteEvaluation


def evaluation(**logits: list[float]) -> SiteEvaluation:
    of_label = {label: ScoreHistogram.of(np.array(values)) for label, values in logits.items()}
    return SiteEvaluation({"diseased": of_label, "covid": {}})


@given(
    st.lists(st.floats(-10, 10), min_size=1, max_size=30),
    st.lists(st.floats(-10, 10), min_size=1, max_size=30),
)
def test_the_operating_point_is_the_best_of_all(positive: list[float], negative: list[float]) -> None:
    scores = evaluation(covid=positive, healthy=negative)
    point = best_operating_point(scores, "diseased")

    def youden(threshold: float) -> float:
        p, n = (np.floor((np.array(x) + 16) * 32) for x in (positive, negative))
        return float((p >= threshold).mean() + (n < threshold).mean())

    assert youden(probability_bin(point)) == pytest.approx(max(youden(t) for t in range(1024)))


def test_the_operating_point_lies_in_the_middle_of_the_gap() -> None:
    point = best_operating_point(evaluation(covid=[4.0], healthy=[0.0]), "diseased")
    assert np.log(point / (1 - point)) == pytest.approx(2, abs=0.1)
    assert best_operating_point(evaluation(covid=[4.0]), "diseased") == 0.5
