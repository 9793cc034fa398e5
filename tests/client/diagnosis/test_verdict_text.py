"""A diagnosis in words."""

from dataclasses import replace

import numpy as np
import pytest

from client.diagnosis.diagnosis_json import diagnosis_document
from tests.support.diagnosed_scans import diagnosed, observation, two_lungs


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


@pytest.mark.parametrize("diseased", [-3.0, 3.0])
def test_the_explanation_says_what_limits_the_verdict(diseased: float) -> None:
    flagged = replace(two_lungs(4), flags=("lungs-cut-off", "one-lung", "prone"))
    plain = diagnosed(two_lungs(4), observation(two_lungs(4), diseased=diseased))
    limited = diagnosed(flagged, observation(flagged, diseased=diseased))
    assert diagnosis_document(limited)["explanation"] == (
        diagnosis_document(plain)["explanation"]
        + " Only part of the lungs is in view: the result says nothing of the rest."
        + " One lung is missing or nearly so: the result rests on the other."
    )
