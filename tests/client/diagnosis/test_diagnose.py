"""Verdict, volumes, worst slices, document."""

import json
import math

import numpy as np
import pytest

from client.diagnosis.diagnose import diagnose, make_diagnosis
from client.diagnosis.diagnosis_json import diagnosis_document
from client.diagnosis.slice_ranking import worst_slices
from client.diagnosis.verdict_text import format_percent, format_probability
from preprocessing.reading.series import CtSeries
from shared_model.errors import PneumofedError
from tests.reference.scan import scan_probability
from tests.support.diagnosed_scans import card, diagnosed, observation, scan_of, study, two_lungs
from tests.support.initial_weights import initial_weights

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
    assert document["verdict"] == words[verdict]
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
    found = make_diagnosis(scan, observation(scan, diseased=logits, covid=logits), trained)
    assert found.scores["covid"].probability == pytest.approx(1 / (1 + math.exp(-2)))
    assert found.scores["diseased"].probability == pytest.approx(1 / (1 + math.exp(-3)))


def test_a_lung_that_was_not_found_is_undefined_not_zero() -> None:
    scan = scan_of([(z, 0, (20, 20, 60, 60)) for z in (1, 2, 3)], (5, 100, 100), (2.0, 1.0, 1.0))
    infected = np.zeros(scan.images.shape, bool)
    infected[2, 30:40, 30:50] = True
    document = diagnosis_document(diagnosed(scan, observation(scan, infected)))
    right = {
        "infected_ml": pytest.approx(0.4),
        "lung_ml": pytest.approx(9.6),
        "percent": pytest.approx(100 / 24),
    }
    assert document["infected"] == {
        "right": right,
        "left": {
            "percent": None,
            "infected_ml": None,
            "lung_ml": None,
            "undefined": "no left lung was found",
        },
        "all": right,
    }
    assert [one["z_mm"] for one in document["slices"]] == [-100, -98, -96, -94, -92]
    assert document["slices"][2]["right"]["infected_ml"] == pytest.approx(0.4)
    assert document["slices"][2]["left"]["probability"] is None
    assert document["slices"][0]["right"]["undefined"] == "no right lung in this slice"
    assert document["flags"] == ["uneven-spacing"]


def test_the_document_says_whose_word_it_is() -> None:
    scan = two_lungs(4)
    document = diagnosis_document(diagnosed(scan, observation(scan, diseased=-3.0)))
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert "Not a medical device" in document["warning"] and "phantoms only" in document["warning"]
    assert document["model"]["study_fingerprint"] == card().study.fingerprint
    assert document["explanation"] == (
        "Called healthy: the probability of disease is below its operating point "
        "(probability 0.047, operating point 0.500)."
    )


def test_the_explanation_tells_where_verdict_and_map_part() -> None:
    scan = two_lungs(4)
    infected = np.zeros(scan.images.shape, bool)
    infected[1, 100:170, 40:140] = True  # half of one lobe of eight
    marked = diagnosed(scan, observation(scan, infected, diseased=-3.0))
    assert diagnosis_document(marked)["explanation"].endswith(
        "Yet the map marks 6.2 % of the lungs: look at the slices."
    )
    sure = diagnosed(scan, observation(scan, infected, diseased=3.0, covid=-1.0))
    assert diagnosis_document(sure)["explanation"] == (
        "Called diseased (probability 0.953, operating point 0.500), "
        "and other pneumonia rather than COVID-19 "
        "(probability of COVID-19 0.269, operating point 0.500)."
    )
    unmarked = diagnosed(scan, observation(scan, diseased=3.0))
    assert diagnosis_document(unmarked)["explanation"].endswith("Yet the map marks nothing as infected.")


def test_worst_slices_weigh_infected_volume_by_probability_and_lie_apart() -> None:
    scan = two_lungs(12)  # 5 mm apart: neighbours are too near to each other
    infected = np.zeros(scan.images.shape, bool)
    for z, rows in ((3, 10), (4, 9), (5, 8), (7, 6), (10, 12)):
        infected[z, 100 : 100 + rows, 40:140] = True
    logits = np.repeat(np.where(np.arange(12) > 8, logit(0.1), logit(0.8)), 2)
    found = diagnosed(scan, observation(scan, infected, diseased=logits))
    # 3: 5 ml x 0.8; 5: 4 ml x 0.8; 7: 3 ml x 0.8; 10: 6 ml x 0.1; 4 lies too near to 3 and 5.
    chosen = worst_slices(found)
    assert [(one.rank, one.slice) for one in chosen] == [(1, 3), (2, 5), (3, 7)]
    assert [one.score_ml for one in chosen] == pytest.approx([4.0, 3.2, 2.4])
    assert [one.slice for one in worst_slices(found, shown=4)] == [3, 5, 7, 10]


def test_worst_slices_without_infection_go_by_probability() -> None:
    scan = two_lungs(10)
    logits = np.repeat([-5.0, -4, -3, -1, -1, -4, -2, -2, -6, -6], 2)
    found = diagnosed(scan, observation(scan, diseased=logits))
    assert [one.slice for one in worst_slices(found)] == [3, 6, 1]
    assert [one.score_ml for one in worst_slices(found)] == [0, 0, 0]


def test_a_flat_scan_shows_slices_nearer_than_10_mm() -> None:
    scan = two_lungs(3, (1.0, 1.0, 1.0))
    assert sorted(one.slice for one in worst_slices(diagnosed(scan, observation(scan)))) == [0, 1, 2]


def test_lobes_without_neighbours_are_no_lungs() -> None:
    scan = scan_of([(z, 0, (20, 20, 60, 60)) for z in (0, 2, 4)], (5, 100, 100))
    with pytest.raises(PneumofedError, match="two neighbouring slices") as caught:
        diagnosed(scan, observation(scan, diseased=9.0))
    assert caught.value.code == "no-lungs"


def test_a_model_of_other_preprocessing_is_refused() -> None:
    other = card().model_copy(update={"study": study(preprocessing="0123456789abcdef")})
    with pytest.raises(PneumofedError, match="0123456789abcdef") as caught:
        diagnose(SERIES, initial_weights(study()), other)
    assert caught.value.code == "preprocessing-mismatch"


def test_weights_of_another_architecture_are_refused() -> None:
    small = card().study.network.model_copy(update={"width": 1 / 16})
    with pytest.raises(PneumofedError) as caught:
        diagnose(SERIES, initial_weights(study(network=small)), card())
    assert caught.value.code == "architecture-mismatch"


def test_figures_in_words() -> None:
    assert [format_percent(v) for v in (None, 0.0, 0.01, 0.06, 12.34)] == [
        "undefined",
        "0.0 %",
        "< 0.1 %",
        "0.1 %",
        "12.3 %",
    ]
    assert [format_probability(v) for v in (0.001, 0.5, 0.999)] == ["< 0.01", "0.50", "> 0.99"]
