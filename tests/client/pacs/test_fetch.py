"""Studies by WADO-RS: whole or not marked as complete, and nothing that was not asked for."""

from pathlib import Path
from typing import Any

import pytest
import requests
from pydicom.dataset import FileDataset
from pydicom.uid import MRImageStorage

from client.pacs import fetch as module
from client.pacs.fetch import FetchedStudy, fetch_studies
from client.pacs.inbox import complete_studies
from client.pacs.pacs_settings import PacsSettings
from shared_model.errors import PneumofedError
from tests.support.diagnosed_scans import PATIENT
from tests.support.pacs import settings_in, small_dataset

STUDY = PATIENT["StudyInstanceUID"]


class Pacs:
    """A DICOMweb client of a PACS with these objects."""

    def __init__(self, *objects: FileDataset) -> None:
        self.objects = objects
        self.fails = False

    def search_for_instances(self, study_uid: str, **_: object) -> list[Any]:
        keywords = ("SOPClassUID", "SeriesInstanceUID", "SOPInstanceUID")
        return [
            {tag(one, word): one[word].to_json_dict(None, 1024) for word in keywords} for one in self.objects
        ]

    def retrieve_instance(self, study_uid: str, series_uid: str, image_uid: str) -> FileDataset:
        if self.fails and image_uid != "1.2.3.0":
            raise requests.ConnectionError
        (found,) = [one for one in self.objects if one.SOPInstanceUID == image_uid]
        return found


def tag(data: FileDataset, word: str) -> str:
    return f"{int(data[word].tag):08X}"


def fetched(monkeypatch: pytest.MonkeyPatch, settings: PacsSettings, pacs: Pacs) -> FetchedStudy:
    monkeypatch.setattr(module, "dicomweb_client", lambda _: pacs)
    (found,) = fetch_studies(settings, [STUDY])
    return found


def test_a_study_s_ct_images_are_taken_and_it_is_complete_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_in(tmp_path)
    pacs = Pacs(*(small_dataset(number) for number in range(3)), small_dataset(3, SOPClassUID=MRImageStorage))
    assert fetched(monkeypatch, settings, pacs) == FetchedStudy(3, 0)
    ((_, folder),) = complete_studies(settings.inbox).items()
    assert len(list((folder / "images").iterdir())) == 3
    assert not list((settings.inbox / ".incoming").iterdir())


def test_a_study_that_did_not_come_whole_is_not_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_in(tmp_path)
    pacs = Pacs(small_dataset(0), small_dataset(1))
    pacs.fails = True
    assert fetched(monkeypatch, settings, pacs) == FetchedStudy(1, 0, "pacs-failed")
    assert not complete_studies(settings.inbox)
    pacs.fails = False
    assert fetched(monkeypatch, settings, pacs) == FetchedStudy(2, 0)


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        ({"PatientID": "MRN-1"}, FetchedStudy(1, 1, "not-kept")),
        ({"StudyInstanceUID": "1.2.4"}, FetchedStudy(1, 0, "bad-answer")),
    ],
)
def test_what_is_of_another_patient_or_study_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, second: dict[str, str], expected: FetchedStudy
) -> None:
    settings = settings_in(tmp_path)
    assert fetched(monkeypatch, settings, Pacs(small_dataset(0), small_dataset(1, **second))) == expected
    assert not complete_studies(settings.inbox)


def test_a_study_without_ct_and_what_is_no_uid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "dicomweb_client", lambda _: Pacs())
    found = fetch_studies(settings_in(tmp_path), [STUDY, "../studies"])
    assert found == [FetchedStudy(0, 0, "no-ct-images"), FetchedStudy(0, 0, "bad-identifiers")]


def test_without_a_table_nothing_is_fetched() -> None:
    with pytest.raises(PneumofedError) as caught:
        fetch_studies(PacsSettings(), [STUDY])
    assert caught.value.code == "no-dicomweb"
