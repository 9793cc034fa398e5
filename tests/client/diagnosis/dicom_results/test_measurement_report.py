"""The report read back by highdicom: every figure of diagnosis.json under its code, with its segment."""

from pathlib import Path

import highdicom
import pytest
from pydicom import dcmread
from pydicom.sr.codedict import codes

from client.diagnosis.diagnosis import Diagnosis
from client.diagnosis.diagnosis_json import diagnosis_document
from client.diagnosis.dicom_results.measurement_report import (
    CALLED,
    COVID_19,
    INFECTED_SHARE,
    INFECTED_VOLUME,
    OPERATING_POINT,
    PNEUMONIA,
    measurement_report,
)
from client.diagnosis.dicom_results.segmentation import binary_segmentation, frame_labels
from client.diagnosis.dicom_results.source_images import read_source_images
from tests.support.diagnosed_scans import diagnosed, observation, two_lungs
from tests.support.marked_lungs import diagnosed_series, marked_series


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[highdicom.sr.ComprehensiveSR, Diagnosis, str]:
    """The report as it was read back, its diagnosis, and the segmentation's UID."""
    folder = tmp_path_factory.mktemp("report")
    series = marked_series(folder / "scan", 1)
    diagnosis, source = diagnosed_series(series, 1), read_source_images(series)
    segmentation = binary_segmentation(frame_labels(diagnosis, source), source, diagnosis.card)
    report = measurement_report(diagnosis, source, segmentation)
    report.save_as(folder / "report.dcm", enforce_file_format=True)
    return highdicom.sr.srread(folder / "report.dcm"), diagnosis, segmentation.SOPInstanceUID


def test_volumes_are_those_of_the_document(
    made: tuple[highdicom.sr.ComprehensiveSR, Diagnosis, str],
) -> None:
    report, diagnosis, segmentation = made
    infected = diagnosis_document(diagnosis)["infected"]
    groups = {
        group.tracking_identifier: group for group in report.content.get_volumetric_roi_measurement_groups()
    }
    for number, (side, name) in enumerate(
        [("right", "right lung"), ("left", "left lung"), ("all", "infection of both lungs")], start=1
    ):
        group, figures = groups[name], infected[side]
        referenced = group.referenced_segment
        assert (referenced.referenced_sop_instance_uid, referenced.referenced_segment_numbers) == (
            segmentation,
            [number],
        )
        values = {one.name.value: (one.value, one.unit.value) for one in group.get_measurements()}
        assert values[INFECTED_SHARE.value] == (pytest.approx(figures["percent"]), "%")
        volume = figures["infected_ml"] if side == "all" else figures["lung_ml"]
        assert values[codes.SCT.Volume.value] == (pytest.approx(volume), "ml")
        if side != "all":
            assert values[INFECTED_VOLUME.value] == (pytest.approx(figures["infected_ml"]), "ml")
    assert groups["left lung"].finding_sites[0].laterality == codes.SCT.Left
    assert groups["right lung"].finding_sites[0].laterality == codes.SCT.Right


def test_decisions_are_those_of_the_document(
    made: tuple[highdicom.sr.ComprehensiveSR, Diagnosis, str],
) -> None:
    report, diagnosis, _ = made
    document = diagnosis_document(diagnosis)
    groups = {group.finding_type.value: group for group in report.content.get_image_measurement_groups()}
    for task, finding in (("diseased", PNEUMONIA), ("covid", COVID_19)):
        group = groups[finding.value]
        values = {one.name.value: one.value for one in group.get_measurements()}
        assert values[codes.DCM.Probability.value] == pytest.approx(document[task]["probability"])
        assert values[OPERATING_POINT.value] == pytest.approx(document[task]["operating_point"])
        (called,) = group.get_qualitative_evaluations(name=CALLED)
        assert called.value == codes.SCT.Present
        names = [
            one.TextValue
            for one in group[0].ContentSequence
            if one.ConceptNameCodeSequence[0].CodeMeaning == "Algorithm Name"
        ]
        assert names == [f"pneumofed {diagnosis.card.study.name}"]


def test_the_verdict_is_there_with_all_that_limits_it(
    made: tuple[highdicom.sr.ComprehensiveSR, Diagnosis, str],
) -> None:
    report, diagnosis, _ = made
    document = diagnosis_document(diagnosis)
    comments = [
        one.TextValue
        for group in report.content.get_image_measurement_groups()
        for one in group[0].ContentSequence
        if one.ConceptNameCodeSequence[0].CodeValue == codes.DCM.Comment.value
    ]
    assert comments == [document["verdict"], document["warning"]]
    assert report.CompletionFlag == "COMPLETE" and report.VerificationFlag == "UNVERIFIED"


def test_covid_19_is_absent_in_a_scan_that_is_called_healthy(tmp_path: Path) -> None:
    series = marked_series(tmp_path / "scan", 1)
    seen, source = diagnosed_series(series, 1), read_source_images(series)
    segmentation = binary_segmentation(frame_labels(seen, source), source, seen.card)
    scan = two_lungs(4)
    healthy = diagnosed(scan, observation(scan, diseased=-3.0, covid=3.0))
    report = measurement_report(healthy, source, segmentation)
    report.save_as(tmp_path / "report.dcm", enforce_file_format=True)
    groups = highdicom.sr.srread(tmp_path / "report.dcm").content.get_image_measurement_groups()
    values = [group.get_qualitative_evaluations(name=CALLED)[0].value for group in groups]
    assert values == [codes.SCT.Absent, codes.SCT.Absent]
    assert dcmread(tmp_path / "report.dcm").PatientName == "Quillfeather^Ottoline"
