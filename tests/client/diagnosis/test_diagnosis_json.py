"""The document of diagnosis.json, by hand."""

import json

import numpy as np
import pytest

from client.diagnosis.diagnosis_json import diagnosis_document
from tests.support.diagnosed_scans import card, diagnosed, observation, scan_of, two_lungs


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
