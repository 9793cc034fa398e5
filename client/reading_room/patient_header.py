"""Who a study is of, for showing beside it, so that no two are mixed up. Never stored or logged."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pydicom.charset import convert_encodings, decode_bytes
from pydicom.valuerep import TEXT_VR_DELIMS, PersonName

from preprocessing.reading.elements import Elements, open_elements
from shared_model.printable_text import escape

_TRIED = 5  # files, for one that can be read
_ONE_AT_A_TIME = threading.Lock()  # bounds memory: 60 kB of a deflated file may hold 64 MiB


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
            with _ONE_AT_A_TIME, open_elements(file) as elements:
                return _header(elements)
        except Exception:  # whatever a parser says of a damaged header, another image may have a whole one
            continue
    return None


def _header(elements: Elements) -> PatientHeader:
    encodings = convert_encodings(list(elements.texts("SpecificCharacterSet")))
    patient_id = decode_bytes(elements.raw("PatientID"), encodings, TEXT_VR_DELIMS)
    return PatientHeader(
        name=_person(elements.raw("PatientName"), encodings),
        patient_id=escape(patient_id.strip(" \0")),
        birth_date=_date(elements.text("PatientBirthDate")),
        sex=escape(elements.text("PatientSex")),
        study_date=_date(elements.text("StudyDate")),
    )


def _person(raw: bytes, encodings: Sequence[str]) -> str:
    """Family name first, then given names; ideographic or phonetic groups in brackets (PS3.5 6.2.1)."""
    groups = [_group(group) for group in str(PersonName(raw, encodings)).strip(" \0").split("=")]
    first, *others = [group for group in groups if group] or [""]
    return escape(first + "".join(f" ({one})" for one in others))


def _group(group: str) -> str:
    family, _, rest = group.partition("^")
    given = " ".join(rest.replace("^", " ").split())
    return ", ".join(filter(None, (family.strip(), given)))


def _date(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat() if len(text) == 8 and text.isdecimal() else escape(text)
    except ValueError:
        return text
