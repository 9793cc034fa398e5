"""The files of a diagnosis pass dciodvfy (dicom3tools), an independent judge, without an error."""

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from pydicom import dcmread

from client.diagnosis.dicom_results import dicom_files as module
from client.diagnosis.dicom_results.dicom_files import dicom_files
from client.diagnosis.dicom_results.source_images import SourceImages, read_source_images
from shared_model.errors import PneumofedError
from tests.support.marked_lungs import PLANTED, diagnosed_series, marked_series

PICTURE = cv2.imencode(".png", np.zeros((30, 40, 3), np.uint8))[1].tobytes()
PICTURES = {"overview.png": PICTURE, "slice-01.png": PICTURE}
DCIODVFY = Path(sys.executable).parent / "dciodvfy"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dicom")
    series = marked_series(folder / "scan", 1)
    found = dicom_files(diagnosed_series(series, 1), read_source_images(series), PICTURES)
    (folder / "out").mkdir()
    for name, data in found.items():
        (folder / "out" / name).write_bytes(data)
    return folder / "out"


def test_every_object_is_of_the_scan_s_study_and_patient(files: Path) -> None:
    made = {path.name: dcmread(path) for path in files.iterdir()}
    assert sorted(made) == [
        "label-map.dcm", "picture-01.dcm", "picture-02.dcm", "report.dcm", "segmentation.dcm",
    ]  # fmt: skip
    for keyword, value in {**PLANTED, "PatientID": "MRN-7730415"}.items():
        if keyword != "FrameOfReferenceUID":
            assert {str(one[keyword].value) for one in made.values()} == {value}
    uids = [str(one.SOPInstanceUID) for one in made.values()]
    assert len(set(uids)) == 5 and len({str(one.SeriesInstanceUID) for one in made.values()}) == 4
    scan = {str(dcmread(path).SOPInstanceUID) for path in (files.parent / "scan").iterdir()}
    report = made["report.dcm"]
    evidence = report.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence
    referred = {str(one.ReferencedSOPInstanceUID) for part in evidence for one in part.ReferencedSOPSequence}
    assert referred <= scan | {str(made["segmentation.dcm"].SOPInstanceUID)} and len(referred) > 0


def test_dciodvfy_finds_no_error(files: Path) -> None:
    said = {}
    for path in sorted(files.iterdir()):
        done = subprocess.run([DCIODVFY, path], capture_output=True, text=True, timeout=60)
        said[path.name] = (done.stdout + done.stderr).splitlines()
        assert not [line for line in said[path.name] if line.startswith(("Error", "Abort"))]
    assert said["segmentation.dcm"] == ["Segmentation"] and said["picture-01.dcm"] == ["SCImage"]
    # The judge knows no code of a scheme that is not the standard's.
    assert {line for line in said["report.dcm"] if "99PNEUMOFED" not in line} == {"ComprehensiveSR"}


def test_values_that_no_result_can_carry_are_an_error_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    series = marked_series(tmp_path, 1)
    diagnosis, source = diagnosed_series(series, 1), read_source_images(series)

    def refuses(*_: object) -> object:
        raise ValueError("Quillfeather")

    monkeypatch.setattr(module, "binary_segmentation", refuses)
    with pytest.raises(PneumofedError) as caught:
        dicom_files(diagnosis, SourceImages(**vars(source)), PICTURES)
    assert caught.value.code == "dicom-source" and "Quillfeather" not in str(caught.value)
