"""What is kept of what a PACS sends, and when two images cannot be of one patient."""

from pathlib import Path

import pytest
from pydicom.uid import MRImageStorage

from client.pacs.received_image import NotKeptError, ReceivedImage, read_received
from tests.support.diagnosed_scans import PATIENT
from tests.support.pacs import image


def test_a_ct_image_is_kept_with_its_identifiers(tmp_path: Path) -> None:
    found = read_received(image(tmp_path, PatientSex="F"))
    assert found == ReceivedImage(
        PATIENT["StudyInstanceUID"], "1.2.3.0", "MRN-7730415", PATIENT["PatientName"], "19530217", "F"
    )


@pytest.mark.parametrize(
    ("reason", "tags"),
    [
        ("not-ct", {"SOPClassUID": MRImageStorage}),
        ("not-ct", {"Modality": "MR"}),
        ("bad-identifiers", {"StudyInstanceUID": None}),
        ("bad-identifiers", {"SOPInstanceUID": "../../etc/passwd"}),
        ("bad-identifiers", {"SeriesInstanceUID": "1.2\\1.3"}),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning")  # pydicom, of these values
def test_the_rest_is_not_and_the_reason_is_a_code(
    tmp_path: Path, reason: str, tags: dict[str, object]
) -> None:
    with pytest.raises(NotKeptError) as caught:
        read_received(image(tmp_path, **tags))
    assert caught.value.reason == reason


def test_what_is_no_dicom_is_not_kept(tmp_path: Path) -> None:
    (tmp_path / "letter").write_bytes(b"Quillfeather")
    with pytest.raises(NotKeptError) as caught:
        read_received(tmp_path / "letter")
    assert caught.value.reason == "not-dicom"


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ({}, False),
        ({"patient_id": "B"}, True),
        ({"patient_id": ""}, True),
        ({"sex": ""}, False),
        ({"sex": "M"}, True),
        ({"birth_date": "19600101"}, True),
        ({"name": "Other"}, False),  # written in another way; PatientID decides
    ],
)
def test_two_images_of_one_patient(other: dict[str, str], expected: bool) -> None:
    facts = {"patient_id": "A", "name": "N", "birth_date": "19500101", "sex": "F"}
    one, two = (ReceivedImage("1", "2", **values) for values in (facts, facts | other))
    assert one.is_of_other_patient(two) == two.is_of_other_patient(one) == expected


def test_without_patient_ids_names_decide() -> None:
    one, two = (ReceivedImage("1", "2", "", name, "", "") for name in ("A", "B"))
    assert one.is_of_other_patient(two) and not one.is_of_other_patient(one)
