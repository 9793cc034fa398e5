"""Pictures as Secondary Capture hold the pixels of the PNG files."""

from pathlib import Path

import cv2
import numpy as np

from client.diagnosis.dicom_results.key_pictures import key_pictures
from client.diagnosis.dicom_results.source_images import read_source_images
from tests.support.diagnosed_scans import card, measured_card
from tests.support.marked_lungs import marked_series


def test_pixels_orientation_and_series(tmp_path: Path) -> None:
    source = read_source_images(marked_series(tmp_path / "scan", 1))
    drawn = np.random.default_rng(1).integers(0, 256, (2, 30, 40, 3)).astype(np.uint8)
    png = [cv2.imencode(".png", image)[1].tobytes() for image in drawn]
    overview, worst = key_pictures({"overview.png": png[0], "slice-01.png": png[1]}, source, card())
    for image, expected in ((overview, drawn[0]), (worst, drawn[1])):
        np.testing.assert_array_equal(image.pixel_array, expected[..., ::-1])  # OpenCV keeps blue first
        assert image.StudyInstanceUID == source.first.StudyInstanceUID
        assert image.PatientID == "MRN-7730415" and image.BurnedInAnnotation == "NO"
        assert "research use only" in image.SeriesDescription
    assert overview.SeriesInstanceUID == worst.SeriesInstanceUID != source.first.SeriesInstanceUID
    assert [overview.InstanceNumber, worst.InstanceNumber] == [1, 2]
    assert list(overview.PatientOrientation) == ["L", "F"] and list(worst.PatientOrientation) == ["L", "P"]
    (measured,) = key_pictures({"overview.png": png[0]}, source, measured_card())
    assert "research" not in measured.SeriesDescription
