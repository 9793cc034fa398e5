"""The document of diagnosis.json, by hand."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from client.diagnosis.diagnosis_json import diagnosis_document
from client.diagnosis.document import DiagnosisDocument
from tests.support.diagnosed_scans import card, diagnosed, measured_card, observation, scan_of, two_lungs
from tests.support.processes import ROOT


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


def fields(schema: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """The fields of a part of a JSON Schema, by name; references are followed."""
    return schema["$defs"][part["$ref"].rsplit("/", 1)[1]]["properties"] if "$ref" in part else {}


def test_the_document_has_the_fields_of_its_schema() -> None:
    scan = two_lungs(4)
    document = diagnosis_document(replace(diagnosed(scan, observation(scan)), card=measured_card()))
    schema = DiagnosisDocument.model_json_schema()
    assert set(document) == set(schema["required"]) == set(schema["properties"])
    side = schema["properties"]["slices"]["items"]
    assert set(document["slices"][0]) == set(fields(schema, side))
    assert set(document["slices"][0]["left"]) == set(fields(schema, fields(schema, side)["left"])) - {
        "undefined"
    }
    assert set(document["model"]) == set(fields(schema, schema["properties"]["model"]))
    assert document["model"]["quality"]["covid"]["held_out"] == {"value": 0.9, "low": 0.8, "high": 0.95}


def test_the_example_of_the_page_is_such_a_document() -> None:
    page = (ROOT / "docs" / "diagnosis.md").read_text()
    example = json.loads(page.partition("```json")[2].partition("```")[0])
    assert DiagnosisDocument.model_validate(example).model_dump(mode="json", exclude_unset=True) == example


def test_a_figure_that_is_no_number_is_not_written() -> None:
    scan = two_lungs(4)
    found = diagnosed(scan, observation(scan))
    found.lobes.infected_ml[0] = np.nan
    with pytest.raises(ValidationError):
        diagnosis_document(found)


def test_a_lobes_probability_before_and_after_its_neighbours() -> None:
    """Eq. 2 by hand on the right lung: min(P_i, max(neighbours)), 0.88 alone and 0.5 with its neighbours."""
    scan = two_lungs(3)
    logits = [0.0, 0.0, 2.0, 0.0, 0.0, 0.0]
    [_, middle, _] = diagnosis_document(diagnosed(scan, observation(scan, diseased=logits, covid=1.0)))[
        "slices"
    ]
    assert middle["right"]["raw_probability"] == pytest.approx(1 / (1 + np.exp(-2)))
    assert middle["right"]["probability"] == pytest.approx(0.5)
    assert middle["left"]["raw_probability"] == middle["left"]["probability"] == pytest.approx(0.5)
    assert middle["right"]["raw_covid_probability"] == pytest.approx(1 / (1 + np.exp(-1)))


def test_what_limits_the_verdict_is_in_fields_and_in_its_sentence() -> None:
    scan = two_lungs(4)
    document = diagnosis_document(diagnosed(scan, observation(scan, diseased=0.5)))
    assert document["uncertain"] and document["research_use_only"]
    codes = [limit["code"] for limit in document["limits"]]
    assert codes[:3] == ["uncertain-diseased", "uncertain-covid", "nothing-marked"]
    assert codes[3:] == ["quality-unknown", "phantoms", "series-flags"]
    assert all(limit["words"] in document["verdict"] for limit in document["limits"])
