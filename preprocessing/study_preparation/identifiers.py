"""Who and when a study's folder is of, by the header of one of its files; none of it leaves the hospital."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from preprocessing.reading.elements import Elements, open_elements
from preprocessing.reading.file_walk import walk_files
from preprocessing.reading.header import read_slices
from preprocessing.reading.refusals import FileRefusedError

_TRIED = 50  # files of a study, for one that can be read


@dataclass(frozen=True)
class StudyIdentifiers:
    """Identifiers of a study's first CT slice that can be read or, if `is_ct` is false, of its first DICOM
    file; "" where absent.

    day: StudyDate, None if it is missing or malformed.
    """

    patient_id: str
    sex: str
    birth_date: str
    study_uid: str
    series_uid: str
    day: date | None
    is_ct: bool


def identifiers_of(folders: Mapping[str, Path]) -> dict[str, StudyIdentifiers]:
    """The identifiers of each folder by its name, those left out that hold no DICOM file."""
    found = {name: read_identifiers(folder) for name, folder in folders.items()}
    return {name: one for name, one in found.items() if one is not None}


def read_identifiers(folder: Path) -> StudyIdentifiers | None:
    """The identifiers of the study in `folder` (or of one file), None if its first files are no DICOM."""
    other: StudyIdentifiers | None = None
    for path in _first_files(folder):
        try:
            with open_elements(path) as elements:
                found = _identifiers(elements)
            other = other or (found if found.study_uid else None)
            read_slices(path)
        except FileRefusedError:
            continue
        return replace(found, is_ct=True)
    return other


def _first_files(folder: Path) -> Iterator[Path]:
    for _, (path, refusal) in zip(range(_TRIED), walk_files(folder), strict=False):
        if refusal is None:
            yield path


def _identifiers(elements: Elements) -> StudyIdentifiers:
    return StudyIdentifiers(
        patient_id=elements.text("PatientID"),
        sex=elements.text("PatientSex"),
        birth_date=elements.text("PatientBirthDate"),
        study_uid=elements.text("StudyInstanceUID"),
        series_uid=elements.text("SeriesInstanceUID"),
        day=_day(elements.text("StudyDate")),
        is_ct=False,
    )


def _day(text: str) -> date | None:
    """Of DICOM's YYYYMMDD (PS3.5 6.2)."""
    try:
        return date.fromisoformat(text) if len(text) == 8 and text.isdecimal() else None
    except ValueError:
        return None
