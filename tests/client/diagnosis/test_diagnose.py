"""Verdict and probabilities of a scan, by hand and against eq. 2; models that do not fit are refused."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from client.diagnosis.diagnose import LoadedModel, diagnose, make_diagnosis
from client.diagnosis.diagnosis_json import diagnosis_document
from preprocessing.pipeline import prepare_series
from preprocessing.reading.series import CtSeries, find_series
from preprocessing.settings import DEFAULT_SETTINGS, PAPER_SETTINGS
from shared_model.errors import PneumofedError
from shared_model.networks import make_networks
from shared_model.saved_model import Temperature
from tests.reference.scan import scan_probability
from tests.support.diagnosed_scans import (
    card,
    diagnosed,
    observation,
    scan_of,
    study,
    two_lungs,
    write_series,
)
from tests.support.initial_weights import initial_weights

NETWORKS = make_networks(study().network)
SERIES = CtSeries((), "1.2.3", "nobody", (5.0, 1.0, 1.0), ())


def logit(p: float) -> float:
    return math.log(p / (1 - p))


@pytest.mark.parametrize(
    ("diseased", "covid", "points", "verdict"),
    [
        (0.4, 0.9, {}, "healthy"),  # COVID-19 only if diseased (2.6)
        (0.6, 0.9, {}, "covid"),
        (0.6, 0.1, {}, "other"),
        (0.4, 0.1, {}, "healthy"),
        (0.6, 0.9, {"diseased": 0.7}, "healthy"),
        (0.6, 0.6, {"covid": 0.7}, "other"),
        (0.3, 0.3, {"diseased": 0.2, "covid": 0.2}, "covid"),
        (0.5, 0.5, {}, "covid"),  # from the operating point on
    ],
)
def test_verdict(diseased: float, covid: float, points: dict[str, float], verdict: str) -> None:
    scan = two_lungs(4)
    found = diagnosed(scan, observation(scan, diseased=logit(diseased), covid=logit(covid)), **points)
    document = diagnosis_document(found)
    words = {"healthy": "healthy", "covid": "COVID-19", "other": "other pneumonia"}
    assert found.verdict == document["label"] == verdict
    assert document["verdict"].startswith(words[verdict])
    assert document["diseased"]["probability"] == pytest.approx(diseased)
    assert document["covid"]["probability"] == pytest.approx(covid)
    assert document["covid"]["operating_point"] == points.get("covid", 0.5)


def test_scan_probabilities_are_eq_2() -> None:
    scan = two_lungs(9)
    logits = np.random.default_rng(4).normal(0, 2, (2, len(scan.lobes)))
    found = diagnosed(scan, observation(scan, diseased=logits[0], covid=logits[1]))
    for task, values in zip(("diseased", "covid"), logits.astype(np.float32), strict=True):
        lobes = {
            (lobe.slice, lobe.side): 1 / (1 + math.exp(-v))
            for lobe, v in zip(scan.lobes, values, strict=True)
        }
        assert found.scores[task].probability == pytest.approx(scan_probability(lobes))


def test_covid_19_is_told_by_a_share_of_the_lobes_where_the_study_says_so() -> None:
    """Softened logits 3, 3, 1, 1 on each side: a mean of 2 over all, and still eq. 2 for disease."""
    scan = two_lungs(4)
    logits = [3.0, 3.0, 3.0, 3.0, 1.0, 1.0, 1.0, 1.0]  # slice by slice, right and left
    trained = card().model_copy(update={"study": study(covid_share=1.0)})
    found = make_diagnosis(scan, observation(scan, diseased=logits, covid=logits), NETWORKS, trained)
    assert found.scores["covid"].probability == pytest.approx(1 / (1 + math.exp(-2)))
    assert found.scores["diseased"].probability == pytest.approx(1 / (1 + math.exp(-3)))


@pytest.mark.parametrize("temperature", [0.02, 0.5, 3.0, 40.0])
@pytest.mark.parametrize(("diseased", "point"), [(0.5, 0.5), (0.88, 0.9), (0.92, 0.9), (-2.5, 0.08)])
def test_temperatures_change_what_is_shown_and_never_the_verdict(
    diseased: float, point: float, temperature: float
) -> None:
    scan = two_lungs(4)
    seen = observation(scan, diseased=logit(diseased) if diseased > 0 else diseased, covid=1.0)
    plain, scaled = (
        make_diagnosis(scan, seen, NETWORKS, card(diseased=point).model_copy(update={"temperature": chosen}))
        for chosen in (Temperature(), Temperature(diseased=temperature, covid=2.0))
    )
    assert scaled.verdict == plain.verdict
    shown, before = (diagnosis_document(found) for found in (scaled, plain))
    assert shown["diseased"]["positive"] == before["diseased"]["positive"]

    def cooled(p: float, t: float) -> float:
        return 1 / (1 + math.exp(-logit(p) / t))

    for name in ("probability", "operating_point"):
        assert shown["diseased"][name] == pytest.approx(cooled(before["diseased"][name], temperature))
        assert shown["covid"][name] == pytest.approx(cooled(before["covid"][name], 2.0))
    lobe = shown["slices"][1]["left"]["probability"]
    assert lobe == pytest.approx(cooled(before["slices"][1]["left"]["probability"], temperature))
    assert shown["model"]["temperature"] == {"diseased": temperature, "covid": 2.0}


def test_a_low_temperature_does_not_turn_healthy_lungs_into_none() -> None:
    """A probability that rounds to 0 is not a missing neighbour."""
    scan = two_lungs(4)
    cold = card().model_copy(update={"temperature": Temperature(diseased=0.01)})
    assert make_diagnosis(scan, observation(scan, diseased=-9.0), NETWORKS, cold).verdict == "healthy"


def test_a_fitted_scan_head_decides_by_figures_and_tells_what_each_adds() -> None:
    scan = two_lungs(4)
    of_figures = study(network=study().network.model_copy(update={"scan_figures": "infection-map"}))
    networks = make_networks(of_figures.network)
    head = networks["covid"].scan_decision
    assert head is not None
    head.coefficients.copy_(torch.tensor([0.0, 2.0, 0.0, -3.0]))
    head.centre.copy_(torch.tensor([-1.0, -1.0, 0.0, 0.5]))
    seen = observation(scan, diseased=2.0, covid=-9.0)
    seen.infection[0::2] = 0.9  # the right lung
    trained = card().model_copy(update={"study": of_figures})
    found = make_diagnosis(scan, seen, networks, trained)
    assert found.scores["diseased"].probability == pytest.approx(1 / (1 + math.exp(-2)))
    document = diagnosis_document(found)["scan_figures"]
    values = {one["name"]: one["value"] for one in document}
    assert values["infected share"] == pytest.approx(math.log10(0.5 + 0.003))
    assert values["less infected lung, lower third"] == pytest.approx(math.log10(0.003))
    adds = [one["adds"].get("covid", 0.0) for one in document]
    assert adds[1] == pytest.approx(2 * (values["less infected lung, lower third"] + 1))
    assert adds[3] == pytest.approx(-3 * (values["raggedness"] - 0.5))
    assert sum(adds) == pytest.approx(found.scores["covid"].logit)
    assert not any("diseased" in one["adds"] for one in document)
    cold = trained.model_copy(update={"temperature": Temperature(diseased=2.0, covid=3.0)})
    shown = make_diagnosis(scan, seen, networks, cold)
    assert shown.scores["covid"].probability == pytest.approx(1 / (1 + math.exp(-sum(adds) / 3)))
    assert shown.is_decided_by_figures("covid") and not shown.is_decided_by_figures("diseased")
    np.testing.assert_array_equal(shown.lobes.covid, found.lobes.covid)  # of another scale: left alone
    np.testing.assert_allclose(shown.lobes.diseased, 1 / (1 + math.exp(-1)))
    assert diagnosis_document(diagnosed(scan, seen))["scan_figures"] == []


def test_lobes_without_neighbours_are_no_lungs() -> None:
    scan = scan_of([(z, 0, (20, 20, 60, 60)) for z in (0, 2, 4)], (5, 100, 100))
    with pytest.raises(PneumofedError, match="two neighbouring slices") as caught:
        diagnosed(scan, observation(scan, diseased=9.0))
    assert caught.value.code == "no-lungs"


def test_a_model_of_other_preprocessing_is_refused() -> None:
    other = card().model_copy(update={"study": study(preprocessing="0123456789abcdef")})
    with pytest.raises(PneumofedError, match="0123456789abcdef") as caught:
        diagnose(SERIES, LoadedModel.from_weights(initial_weights(study()), other))
    assert caught.value.code == "preprocessing-mismatch"


def test_a_scan_is_prepared_as_those_that_the_model_learned_from(tmp_path: Path) -> None:
    (series,) = find_series(write_series(tmp_path / "series")).accepted
    by_paper = card().model_copy(update={"study": study(preprocessing=PAPER_SETTINGS.fingerprint)})
    found = diagnose(series, LoadedModel.from_weights(initial_weights(study()), by_paper)).scan
    expected, default = (prepare_series(series, settings) for settings in (PAPER_SETTINGS, DEFAULT_SETTINGS))
    np.testing.assert_array_equal(found.arrays.images, expected.arrays.images)
    assert not np.array_equal(expected.arrays.images, default.arrays.images)


def test_weights_of_another_architecture_are_refused() -> None:
    small = card().study.network.model_copy(update={"width": 1 / 16})
    with pytest.raises(PneumofedError) as caught:
        LoadedModel.from_weights(initial_weights(study(network=small)), card())
    assert caught.value.code == "architecture-mismatch"
