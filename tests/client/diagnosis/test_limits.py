"""What is said with a verdict, and when: the band by hand, quality, map, series."""

import math
from dataclasses import replace

import numpy as np
import pytest

from client.diagnosis.diagnosis import Diagnosis
from client.diagnosis.limits import is_research_only, is_uncertain, limits
from client.diagnosis.verdict_text import verdict_sentence, verdict_words
from shared_model.model_quality import ModelQuality, TaskQuality
from shared_model.saved_model import Temperature
from tests.support.diagnosed_scans import (
    card,
    diagnosed,
    measured_card,
    measured_quality,
    observation,
    two_lungs,
)

UNMEASURED = TaskQuality.model_validate(
    {"undefined": dict.fromkeys(("validation", "test", "held_out"), "none")}
)


def logit(p: float) -> float:
    return math.log(p / (1 - p))


def found(
    diseased: float, covid: float = 0.95, point: float = 0.5, *, marked: bool | None = None
) -> Diagnosis:
    """Of a measured model in an unremarkable series; `marked` follows the verdict unless it is given."""
    scan = replace(two_lungs(4), flags=())
    infected = np.zeros(scan.images.shape, bool)
    ill = diseased >= point
    infected[1:3, 150:200, 60:100] = ill if marked is None else marked
    seen = observation(scan, infected, diseased=logit(diseased), covid=logit(covid))
    one = diagnosed(scan, seen, diseased=point)
    return replace(one, card=measured_card())


def codes(diagnosis: Diagnosis) -> list[str]:
    return [limit.code for limit in limits(diagnosis)]


@pytest.mark.parametrize(
    ("diseased", "covid", "point", "expected"),
    [
        (0.95, 0.95, 0.5, []),
        (0.95, 0.05, 0.5, []),
        (0.05, 0.5, 0.5, []),  # which pneumonia it is does not matter to healthy lungs
        (0.81, 0.81, 0.5, []),
        (0.79, 0.95, 0.5, ["uncertain-diseased"]),
        (0.21, 0.95, 0.5, ["uncertain-diseased"]),
        (0.19, 0.95, 0.5, []),
        (0.95, 0.79, 0.5, ["uncertain-covid"]),
        (0.95, 0.21, 0.5, ["uncertain-covid"]),
        (0.6, 0.6, 0.5, ["uncertain-diseased", "uncertain-covid"]),
        # The operating point decides the verdict, and the probability whether it is uncertain.
        (0.1, 0.95, 0.05, ["uncertain-diseased"]),
        (0.9, 0.95, 0.95, ["uncertain-diseased"]),
    ],
)
def test_the_band(diseased: float, covid: float, point: float, expected: list[str]) -> None:
    diagnosis = found(diseased, covid, point)
    assert codes(diagnosis) == expected
    assert is_uncertain(diagnosis) == bool(expected)
    assert ("(uncertain)" in verdict_words(diagnosis)) == bool(expected)


def test_the_band_is_of_the_calibrated_probability() -> None:
    diagnosis = found(0.95)
    scores = {task: replace(score, temperature=3.0) for task, score in diagnosis.scores.items()}
    assert codes(replace(diagnosis, scores=scores)) == ["uncertain-diseased", "uncertain-covid"]
    assert Temperature() == measured_card().temperature


@pytest.mark.parametrize(
    ("p", "marked", "code"), [(0.95, False, "nothing-marked"), (0.05, True, "infection-marked")]
)
def test_a_map_that_contradicts_is_said_in_the_sentence(p: float, marked: bool, code: str) -> None:
    diagnosis = found(p, marked=marked)
    assert codes(diagnosis) == [code]
    assert "ml as infected" in verdict_sentence(diagnosis)


def test_flags_of_the_series_are_said() -> None:
    diagnosis = found(0.95)
    flagged = replace(diagnosis, scan=replace(diagnosis.scan, flags=("contrast", "lungs-cut-off", "prone")))
    assert verdict_sentence(flagged) == (
        "COVID-19: only part of the lungs is in view; the series has the flags contrast, prone"
    )
    assert verdict_sentence(diagnosis) == "COVID-19"


@pytest.mark.parametrize(
    ("diseased", "covid", "p", "expected"),
    [
        (measured_quality(), measured_quality(0.5), 0.95, ["near-chance-covid"]),
        (measured_quality(), measured_quality(0.51), 0.95, []),
        (measured_quality(), UNMEASURED, 0.95, ["quality-unknown-covid"]),
        (measured_quality(), UNMEASURED, 0.05, []),
        (measured_quality(0.3), measured_quality(), 0.05, ["near-chance-diseased"]),
    ],
)
def test_a_model_near_chance_says_so(
    diseased: TaskQuality, covid: TaskQuality, p: float, expected: list[str]
) -> None:
    known = measured_card().model_copy(update={"quality": ModelQuality(diseased=diseased, covid=covid)})
    diagnosis = replace(found(p), card=known)
    assert codes(diagnosis) == expected
    worst = min(one.held_out.low if one.held_out else 0.0 for one in (diseased, covid))  # type: ignore[type-var]
    assert is_research_only(known) == (worst <= 0.5)


def test_phantoms_and_unmeasured_models_are_for_research_use_only() -> None:
    diagnosis = found(0.95)
    assert not is_research_only(diagnosis.card)
    phantoms = measured_card().model_copy(update={"trained_on": card().trained_on})
    unmeasured = measured_card().model_copy(update={"quality": None})
    for known, code in ((phantoms, "phantoms"), (unmeasured, "quality-unknown")):
        limited = replace(diagnosis, card=known)
        assert verdict_sentence(limited).startswith("COVID-19, research use only: ")
        assert codes(limited) == [code]
