"""Order, reasons and earlier scans of a worklist, by hand."""

import csv
import io
import math
from typing import Any

import numpy as np
import pytest

from client.diagnosis.diagnosis_json import diagnosis_document
from client.diagnosis.document import DiagnosisDocument
from client.diagnosis.earlier_scans import EarlierScan
from client.diagnosis.worklist import worklist, worklist_csv
from shared_model.errors import PneumofedError
from tests.support.diagnosed_scans import diagnosed, observation, two_lungs


def document(diseased: float, infected_ml: int, *, covid: float = 0.9, **changes: Any) -> DiagnosisDocument:
    """Of a scan with these probabilities and this volume; voxels are 5 mm3."""
    scan = two_lungs(8)
    infected = np.zeros(scan.images.shape, bool)
    rows = infected_ml * 200 // 100  # of 100 voxels, in the right lung
    for row in range(rows):
        infected[row // 100, 100 + row % 100, 40:140] = True
    logits = [math.log(p / (1 - p)) for p in (diseased, covid)]
    found = diagnosed(scan, observation(scan, infected, diseased=logits[0], covid=logits[1]))
    return DiagnosisDocument.model_validate(diagnosis_document(found) | changes)


def test_the_most_urgent_is_first() -> None:
    outcomes = {
        "healthy": document(0.05, 0),
        "broken": PneumofedError("no-lungs", "no lungs are found; use a chest CT"),
        "unsure": document(0.6, 90),
        "some": document(0.95, 20),
        "more": document(0.9, 80),
        "marked": document(0.05, 7),
        "likelier": document(0.97, 20),
    }
    rows = worklist(outcomes, {})
    assert [row.study for row in rows] == [
        "more", "likelier", "some", "unsure", "marked", "broken", "healthy",
    ]  # fmt: skip
    assert [row.priority for row in rows] == [1, 1, 1, 2, 2, 3, 4]
    assert rows[5].code == "no-lungs" and rows[5].reason.startswith("not diagnosed, read it without: no lun")


@pytest.mark.parametrize("flag", ["lungs-cut-off", "one-lung"])
def test_a_healthy_scan_that_shows_a_part_only_is_doubtful(flag: str) -> None:
    part = document(0.05, 0, limits=[{"code": flag, "words": "x"}])
    assert worklist({"a": part}, {})[0].priority == 2


def test_the_reason_holds_all_that_limits_the_verdict() -> None:
    found = document(0.6, 90)
    (row,) = worklist({"a": found}, {})
    assert row.reason.startswith("doubtful, 90.0 ml (") and row.reason.endswith(f"infected: {found.verdict}")
    assert "uncertain" in row.reason and "phantoms" in row.reason


def test_an_earlier_scan_stands_beside_it() -> None:
    earlier = {"now": (EarlierScan("failed", 3), EarlierScan("then", 14), EarlierScan("long ago", 90))}
    outcomes = {
        "now": document(0.95, 80),
        "failed": PneumofedError("no-lungs", "x"),
        "then": document(0.95, 20),
        "long ago": document(0.05, 0),
    }
    rows = {row.study: row for row in worklist(outcomes, earlier)}
    now = rows["now"]
    assert (now.earlier_study, now.earlier_days) == ("then", 14)
    assert (now.infected_ml, now.earlier_infected_ml) == (pytest.approx(80), pytest.approx(20))
    assert "infected, 20.0 ml 14 days before: COVID-19" in now.reason
    assert rows["then"].earlier_study is None and "before:" not in rows["then"].reason


def test_the_file_has_a_row_a_study_and_empty_cells_for_what_is_not_there() -> None:
    outcomes = {"a, b": document(0.95, 20), 'c "d"\n': PneumofedError("no-lungs", "none, at all")}
    first, second = csv.DictReader(io.StringIO(worklist_csv(worklist(outcomes, {})).decode()))
    assert first["study"] == "a, b" and float(first["infected_ml"]) == pytest.approx(20)
    assert (first["label"], first["uncertain"], first["code"]) == ("covid", "False", "")
    assert second["study"] == 'c "d"\n' and second["code"] == "no-lungs" and second["infected_ml"] == ""
