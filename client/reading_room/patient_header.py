"""Who a study is of, for showing beside it, so that no two are mixed up. Never stored or logged."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset
from pydicom.valuerep import PersonName

from shared_model.printable_text import escape

_TAGS = ["SpecificCharacterSet", "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate"]
_TRIED = 5  # files, for one that can be read


@dataclass(frozen=True, repr=False)
class PatientHeader:
    """As people write them, "" where absent; dates as YYYY-MM-DD if they are dates."""

    name: str
    patient_id: str
    birth_date: str
    sex: str
    study_date: str


def read_patient_header(images: Path) -> PatientHeader | None:
    """Of the first image in the folder that can be read; None if none of the first can."""
    try:
        files = sorted(images.iterdir())[:_TRIED]
    except OSError:
        return None
    for file in files:
        try:
            return _header(pydicom.dcmread(file, stop_before_pixels=True, specific_tags=_TAGS))
        except Exception:  # whatever a decoder says of a damaged header, another image may have a whole one
            continue
    return None


def _header(data: Dataset) -> PatientHeader:
    return PatientHeader(
        name=_person(data.get("PatientName")),
        patient_id=_text(data, "PatientID"),
        birth_date=_date(_text(data, "PatientBirthDate")),
        sex=_text(data, "PatientSex"),
        study_date=_date(_text(data, "StudyDate")),
    )


def _text(data: Dataset, keyword: str) -> str:
    return escape(str(data.get(keyword) or "").strip())


def _person(name: PersonName | None) -> str:
    """Family name first, then given names; ideographic or phonetic groups in brackets (PS3.5 6.2.1)."""
    groups = [_group(group) for group in str(name or "").split("=")]
    first, *others = [group for group in groups if group] or [""]
    return escape(first + "".join(f" ({one})" for one in others))


def _group(group: str) -> str:
    family, _, rest = group.partition("^")
    given = " ".join(rest.replace("^", " ").split())
    return ", ".join(filter(None, (family.strip(), given)))


def _date(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat() if len(text) == 8 and text.isdecimal() else text
    except ValueError:
        return text
