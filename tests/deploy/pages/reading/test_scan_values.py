"""Rows of the scan's page against the document that they are of."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from client.diagnosis.diagnosis_json import diagnosis_document
from client.diagnosis.document import DiagnosisDocument
from client.diagnosis.earlier_scans import EarlierScan
from client.reading_room.reading_list import EarlierRow
from deploy.pages.reading.scan_values import curves_of, earlier_rows, quality_rows, scan_values
from shared_model.model_quality import MeasuredAuc, ModelQuality, TaskQuality
from tests.support.diagnosed_scans import diagnosed, observation, scan_of


@pytest.fixture(scope="module")
def document() -> DiagnosisDocument:
    """Three slices, of which the first has no left lung."""
    box = {0: (20, 10, 60, 40), 1: (20, 60, 60, 90)}
    scan = scan_of(
        [(0, 0, box[0]), (1, 0, box[0]), (1, 1, box[1]), (2, 0, box[0]), (2, 1, box[1])], (3, 100, 100)
    )
    return DiagnosisDocument.model_validate(
        diagnosis_document(diagnosed(scan, observation(scan, diseased=2.0)))
    )


def with_quality(document: DiagnosisDocument, quality: ModelQuality | None) -> DiagnosisDocument:
    return document.model_copy(update={"model": document.model.model_copy(update={"quality": quality})})


def with_figures(document: DiagnosisDocument, *adds: dict[str, float]) -> DiagnosisDocument:
    figures = [
        {"name": f"figure {number}", "unit": "mm", "meaning": "What it is.", "value": 1.0, "adds": one}
        for number, one in enumerate(adds)
    ]
    return DiagnosisDocument.model_validate(
        document.model_dump(exclude_unset=True) | {"scan_figures": figures}
    )


def test_quality_names_the_nearest_measure_and_why_others_are_undefined(document: DiagnosisDocument) -> None:
    assert quality_rows(with_quality(document, None)) == []
    measured = TaskQuality(
        held_out=MeasuredAuc(value=0.9),
        test=MeasuredAuc(value=0.876, low=0.812, high=0.934),
        undefined={"validation": "no scans", "held_out": "one hospital"},
    )
    rows = quality_rows(with_quality(document, ModelQuality(diseased=measured, covid=measured)))
    assert [(row.auc, row.nearest) for row in rows[:3]] == [
        ("0.90, no interval: one hospital", False),
        ("0.88 (95 % interval 0.81 to 0.93)", True),
        ("undefined: no scans", False),
    ]
    assert [row.task for row in rows] == ["diseased or healthy"] * 3 + ["COVID-19 or other pneumonia"] * 3


def test_bars_have_one_scale_and_leave_the_middle_to_either_side(document: DiagnosisDocument) -> None:
    shown = scan_values(
        with_figures(document, {"diseased": -2.0}, {"covid": 1.0}, {"diseased": 0.5, "covid": 0})
    )
    bars = [
        [(row.added, row.start, row.width) if row else None for row in added] for _, added in shown["figures"]
    ]
    assert bars == [[(-2.0, 0.0, 50.0), None], [None, (1.0, 50, 25.0)], [(0.5, 50, 12.5), (0.0, 50, 0.0)]]
    assert scan_values(with_figures(document, {"covid": 0.0}))["figures"][0][1][1].width == 0
    assert scan_values(document)["figures"] == []


def test_curves_have_gaps_where_a_lung_is_not_there(document: DiagnosisDocument) -> None:
    curves = curves_of(document)
    assert [value is None for value in curves["diseased"]["left"]] == [True, False, False]
    assert curves["covid"]["right"][1] == document.slices[1].right.covid_probability
    infected = document.slices[1].right.model_copy(update={"infected_ml": 7.0})
    changed = document.model_copy(
        update={"slices": [document.slices[0], document.slices[1].model_copy(update={"right": infected})]}
    )
    # 7 ml in a slice of 5 mm: 7000 mm3 / 5 mm = 1400 mm2.
    assert curves_of(changed)["infected_cm2"] == {"right": [0.0, pytest.approx(14.0)], "left": [None, 0.0]}


@dataclass
class Room:
    """As much of a ReadingRoom as `earlier_rows` asks: `seen` are studies whose model may be seen."""

    seen: set[str]
    studies: Any = field(init=False)

    def __post_init__(self) -> None:
        self.studies = self

    def earlier(self) -> dict[str, tuple[EarlierScan, ...]]:
        return {"now": (EarlierScan("before", 3), EarlierScan("long-before", 90))}

    def may_see_model(self, reader: str, name: str) -> bool:
        assert reader == "ada"
        return name in self.seen

    def study(self, name: str) -> Any:
        verdict = type("Verdict", (), {"infected_ml": 62.81})()
        return type("Study", (), {"verdict": verdict})()


def test_figures_of_an_earlier_scan_are_hidden_until_it_is_answered_too() -> None:
    rows = earlier_rows(Room({"now", "before"}), "ada", "now")  # type: ignore[arg-type]
    assert rows == [EarlierRow("before", 3, 62.81), EarlierRow("long-before", 90, None)]
    assert earlier_rows(Room(set()), "ada", "before") == []  # type: ignore[arg-type]
