"""An upload is one study of one patient, or refused by a code; other files are counted by reason."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.reading_room.one_study import FoundStudy, one_study
from shared_model.errors import PneumofedError
from tests.support.diagnosed_scans import PATIENT
from tests.support.pacs import image


def found(*files: Path) -> FoundStudy:
    return one_study(files, lambda: None)


def code_of(*files: Path) -> str:
    with pytest.raises(PneumofedError) as caught:
        found(*files)
    words = str(caught.value)
    assert not [value for value in PATIENT.values() if value in words] and str(files[0].parent) not in words
    return caught.value.code


def text(folder: Path, name: str, content: bytes) -> Path:
    (folder / name).write_bytes(content)
    return folder / name


def test_images_are_found_and_other_files_counted(tmp_path: Path) -> None:
    images = [image(tmp_path, f"{number}", number=number) for number in range(3)]
    others = [
        text(tmp_path, "readme", b"Quillfeather"),
        text(tmp_path, "empty", b""),
        image(tmp_path, "scout", number=8, Modality="MR"),
        image(tmp_path, "dicomdir", SOPClassUID="1.2.840.10008.1.3.10"),
        text(tmp_path, "cut", (tmp_path / "0").read_bytes()[:300]),
    ]
    study = found(*images, *others)
    assert study.images == {f"1.2.3.{number}": images[number] for number in range(3)}
    assert study.study_uid == PATIENT["StudyInstanceUID"]
    assert study.not_kept == {
        "broken-header": 1, "dicomdir": 1, "empty-file": 1, "not-ct": 1, "not-dicom": 1,
    }  # fmt: skip


def test_the_same_image_twice_is_one_and_another_under_its_uid_is_refused(tmp_path: Path) -> None:
    one, same = image(tmp_path, "one"), image(tmp_path, "same")
    assert list(found(one, same).images.values()) == [one]
    assert code_of(one, image(tmp_path, "other", PixelData=b"\1" * 32)) == "conflicting-images"


@pytest.mark.parametrize(
    "tags",
    [
        {"PatientID": "MRN-1"},
        {"PatientID": ""},
        {"PatientBirthDate": "19530218"},
        {"PatientSex": "M"},
    ],
)
def test_images_of_several_patients_are_refused(tags: dict[str, str], tmp_path: Path) -> None:
    files = [image(tmp_path, f"{number}", number=number, PatientSex="F") for number in range(2)]
    other = image(tmp_path, "other", number=7, **{"PatientSex": "F", **tags})
    assert code_of(*files, other) == code_of(other, *files) == "several-patients"


def test_patients_without_an_id_are_told_apart_by_name(tmp_path: Path) -> None:
    files = [image(tmp_path, "a", PatientID=""), image(tmp_path, "b", number=1, PatientID="")]
    assert len(found(*files).images) == 2
    other = image(tmp_path, "c", number=2, PatientID="", PatientName="Quillfeather^Ambrose")
    assert code_of(*files, other) == "several-patients"


def test_a_birth_date_that_one_image_lacks_joins_no_two_that_differ(tmp_path: Path) -> None:
    """Each image may be of the patient of the first, and yet not all of one."""
    files = [
        image(tmp_path, f"{number}", number=number, PatientBirthDate=born)
        for number, born in enumerate(("", "19530217", "19530218"))
    ]
    assert code_of(*files) == "several-patients"


def test_several_studies_of_one_patient_are_refused(tmp_path: Path) -> None:
    other = image(tmp_path, "b", number=1, StudyInstanceUID="1.2.4")
    assert code_of(image(tmp_path, "a"), other) == "several-studies"


@pytest.mark.parametrize("content", [b"PK\3\4rest", b"\x1f\x8brest", b"7z\xbc\xaf\x27\x1c", b"Rar!"])
def test_an_archive_among_the_files_is_refused(content: bytes, tmp_path: Path) -> None:
    assert code_of(image(tmp_path, "a"), text(tmp_path, "inner", content)) == "nested-archive"


def test_without_a_ct_image_there_is_no_study(tmp_path: Path) -> None:
    assert code_of(text(tmp_path, "letter", b"x"), image(tmp_path, "mr", Modality="MR")) == "no-ct-images"


HEADERS = st.lists(
    st.fixed_dictionaries(
        {
            "StudyInstanceUID": st.sampled_from(["1.2", "1.2", "1.2", "1.3"]),
            "PatientID": st.sampled_from(["A", "A", "A", "", "B"]),
            "PatientName": st.sampled_from(["N", "M"]),
            "PatientBirthDate": st.sampled_from(["19530217", "", "", "20000101"]),
            "PatientSex": st.sampled_from(["F", "", "", "M"]),
            "Modality": st.sampled_from(["CT", "CT", "CT", "MR"]),
        }
    ),
    max_size=4,
)


@given(headers=HEADERS)
def test_accepted_if_and_only_if_no_two_images_contradict_each_other(
    headers: list[dict[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("one")
    files = [image(folder, f"{n}", number=n, **one) for n, one in enumerate(headers)]
    ct = [one for one in headers if one["Modality"] == "CT"]

    def agree(one: dict[str, str], other: dict[str, str]) -> bool:
        same_id = one["PatientID"] == other["PatientID"]
        same_name = one["PatientID"] != "" or one["PatientName"] == other["PatientName"]
        told = [(one[what], other[what]) for what in ("PatientBirthDate", "PatientSex")]
        same_rest = all("" in pair or pair[0] == pair[1] for pair in told)
        return one["StudyInstanceUID"] == other["StudyInstanceUID"] and same_id and same_name and same_rest

    lawful = bool(ct) and all(agree(one, other) for one in ct for other in ct)
    try:
        assert len(found(*files).images) == len(ct) and lawful
    except PneumofedError:
        assert not lawful
