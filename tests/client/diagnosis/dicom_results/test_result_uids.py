"""Results of the same scan and model have the same identifiers; of anything else, others."""

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import UID

from client.diagnosis.dicom_results.dicom_files import dicom_files
from client.diagnosis.dicom_results.result_uids import result_uid
from client.diagnosis.dicom_results.source_images import SourceImages, read_source_images
from preprocessing.reading.series_selection import select_series
from tests.support.diagnosed_scans import card
from tests.support.marked_lungs import diagnosed_series, marked_series

PICTURE = cv2.imencode(".png", np.zeros((30, 40, 3), np.uint8))[1].tobytes()


@pytest.fixture
def source(tmp_path: Path) -> SourceImages:
    return read_source_images(marked_series(tmp_path / "scan", 1))


def test_the_same_diagnosis_again_makes_the_same_objects(source: SourceImages, tmp_path: Path) -> None:
    diagnosis = diagnosed_series(source.series, 1)
    made: list[list[dict[str, object]]] = []
    for number in range(2):
        files = dicom_files(diagnosis, source, {"overview.png": PICTURE, "slice-01.png": PICTURE})
        (tmp_path / str(number)).mkdir()
        for name, data in files.items():
            (tmp_path / str(number) / name).write_bytes(data)
        found = [dcmread(tmp_path / str(number) / name) for name in sorted(files)]
        made.append(
            [
                {
                    "instance": one.SOPInstanceUID,
                    "series": one.SeriesInstanceUID,
                    "tracked": re.findall(r"Tracking Unique Identifier.*?UI: (\S+)", str(one), re.DOTALL),
                }
                for one in found
            ]
        )
    assert made[0] == made[1] and len(made[0][-2]["tracked"]) == 5  # type: ignore[arg-type]
    assert len({str(one["instance"]) for one in made[0]}) == 5


def test_another_image_patient_model_or_part_has_another(source: SourceImages, tmp_path: Path) -> None:
    first = result_uid(source, card(), "report")
    assert first == result_uid(source, card(), "report") and UID(first).is_valid
    assert first.startswith("2.25.") and int(first.removeprefix("2.25.")) < 1 << 128
    others = [result_uid(source, card(), "report", "series")]
    others.append(result_uid(source, card().model_copy(update={"weights_sha256": "ab" * 32}), "report"))
    path = sorted((tmp_path / "scan").iterdir())[0]
    for keyword, value in (("PatientID", "MRN-1"), ("SOPInstanceUID", "1.2.3")):
        for image in (tmp_path / "scan").iterdir() if keyword == "PatientID" else [path]:
            data = dcmread(image)
            setattr(data, keyword, value)
            data.save_as(image)
        changed = read_source_images(select_series(tmp_path / "scan").required())
        others.append(result_uid(changed, card(), "report"))
    path.unlink()
    fewer = read_source_images(select_series(tmp_path / "scan").required())
    others.append(result_uid(fewer, card(), "report"))
    assert len({first, *others}) == 6
