"""A hospital's evaluation: merging is pooling, and what cannot be is refused."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from shared_model.metrics.call_table import CallTable
from shared_model.metrics.proportion import Proportion
from shared_model.metrics.score_histogram import ScoreHistogram
from shared_model.metrics.site_evaluation import SiteEvaluation, merge_all


def evaluation(**logits: list[float]) -> SiteEvaluation:
    histograms = {label: ScoreHistogram.of(np.array(values)) for label, values in logits.items()}
    covid = {label: h for label, h in histograms.items() if label != "healthy"}
    table = CallTable()
    for label, values in logits.items():
        table = table.merge(CallTable.of(label, ["other" if value > 0 else "healthy" for value in values]))
    return SiteEvaluation({"diseased": histograms, "covid": covid}, table)


def test_merging_sites_is_pooling_scans() -> None:
    one, two = evaluation(healthy=[-2, 0.3], covid=[1.0]), evaluation(healthy=[5.0], other=[-1.0, 2.0])
    pooled = evaluation(healthy=[-2, 0.3, 5.0], covid=[1.0], other=[-1.0, 2.0])
    assert one.merge(two).to_json() == two.merge(one).to_json() == pooled.to_json()
    assert merge_all([one, two]).to_json() == pooled.to_json()
    assert SiteEvaluation.from_text(pooled.to_text()).to_json() == pooled.to_json()


def test_subgroups_are_pooled_part_by_part_and_cross_as_they_are() -> None:
    thin, thick = evaluation(covid=[1.0], healthy=[-2.0]), evaluation(covid=[0.2, 0.4])
    one = replace(thin, subgroups={"thin": thin.histograms})
    two = replace(thick.merge(thin), subgroups={"thick": thick.histograms, "thin": thin.histograms})
    both = SiteEvaluation.from_text(one.merge(two).to_text())
    assert both.to_json() == two.merge(one).to_json()
    assert both.subgroup("thin").to_json()["histograms"] == thin.merge(thin).to_json()["histograms"]
    assert both.subgroup("thick").positive("covid").total == 2
    assert both.subgroup("medium").to_json() == SiteEvaluation.empty().to_json()
    assert "subgroups" not in thin.to_json()  # what earlier versions wrote is the same


def histograms(**of_diseased: Any) -> dict[str, Any]:
    return {"diseased": of_diseased, "covid": {}}


ONE = {"patients": 1, "bins": {"3": 1}}


@pytest.mark.parametrize(
    "document",
    [{}, {"histograms": {}, "calls": {}}, {"histograms": histograms()},
     {"histograms": histograms(), "calls": {}, "more": {}},
     {"histograms": histograms(), "calls": {}, "subgroups": {"St. Mary": histograms()}},
     {"histograms": histograms(), "calls": {}, "subgroups": {"thin": {"diseased": {}}}},
     {"histograms": histograms(x=ONE), "calls": {}},
     {"histograms": {"diseased": {}, "covid": {"healthy": ONE}}, "calls": {}},
     {"histograms": histograms(covid={"patients": 2, "bins": {"3": 1}}), "calls": {}},
     {"histograms": histograms(), "calls": {"covid": {"healthy": 0, "covid": 1, "other": 0}}},
     {"histograms": histograms(covid=ONE), "calls": {"covid": {"healthy": 1, "covid": 1, "other": 0}}}],
)  # fmt: skip
def test_a_malformed_evaluation_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        SiteEvaluation.from_json(document)


def test_accuracy_counts_both_sides_of_the_operating_point() -> None:
    scores = evaluation(covid=[1.0, -1.0], other=[2.0], healthy=[-3.0, 0.5])
    assert scores.accuracy("diseased", 0.5) == Proportion(3, 5, 5)
    assert scores.accuracy("covid", 0.5) == Proportion(1, 3, 3)
    assert evaluation().accuracy("covid", 0.5) is None
