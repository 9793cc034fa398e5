"""Which studies are of one patient, also where de-identification left PatientID blank or gave all the same.

A study's fold, and so its split and its privacy, is its patient's. Where the identifiers do not tell
patients apart, each examination counts as a patient of its own. See docs/decisions/0110.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from preprocessing.labels import LabelledStudy
from preprocessing.reading.elements import open_elements
from preprocessing.reading.file_walk import walk_files
from preprocessing.reading.header import read_slices
from preprocessing.reading.plain_names import comparable
from preprocessing.reading.refusals import FileRefusedError

_PLACEHOLDERS = {
    "ANON", "ANONYM", "ANONYMOUS", "ANONYMIZED", "ANONYMISED", "ANONYMIZE", "ANONYMISIERT", "DEIDENTIFIED",
    "REMOVED", "DELETED", "UNKNOWN", "NONE", "NA", "NULL", "NOID", "NOPATIENTID", "PSEUDONYM", "XXX", "XXXX",
    "0", "00", "000", "0000", "00000", "000000", "00000000",
}  # fmt: skip
_KEYWORDS = ("PatientID", "PatientSex", "PatientBirthDate", "StudyInstanceUID", "SeriesInstanceUID")
_TRIED = 50  # files of a study, for one that can be read
_SHARED_BY = 3  # studies: all of a hospital's of one patient, or all of one series, are no coincidence


@dataclass(frozen=True)
class Patient:
    """What stands for a study's patient in the keyed hash of its fold, and the flag that says why, or ""."""

    identity: str
    flag: str = ""


@dataclass(frozen=True)
class _Identifiers:
    """Identifiers of a study's first readable image; they stay in the hospital."""

    patient_id: str
    sex: str
    birth_date: str
    study_uid: str
    series_uid: str


def patients_of(studies: Sequence[LabelledStudy]) -> dict[int, Patient]:
    """The patient of each study by its row, those left out in which no image can be read."""
    found = {study.row: _identifiers(study) for study in studies}
    known = {row: one for row, one in found.items() if one is not None}
    by_patient: dict[str, list[_Identifiers]] = defaultdict(list)
    by_study: dict[str, list[_Identifiers]] = defaultdict(list)
    for one in known.values():
        by_patient[one.patient_id].append(one)
        by_study[one.study_uid].append(one)
    names = {study.row: comparable(study.folder.name) for study in studies}
    patients = {}
    for row, one in known.items():
        flag = _flag(one.patient_id, by_patient[one.patient_id], len(known))
        examination = _examination(one, by_study[one.study_uid], names[row])
        patients[row] = Patient(examination, flag) if flag else Patient(one.patient_id)
    return patients


def _identifiers(study: LabelledStudy) -> _Identifiers | None:
    for _, (path, refusal) in zip(range(_TRIED), walk_files(study.folder), strict=False):
        try:
            if refusal is not None:
                continue
            read_slices(path)
            with open_elements(path) as elements:
                keywords = (
                    "PatientID",
                    "PatientSex",
                    "PatientBirthDate",
                    "StudyInstanceUID",
                    "SeriesInstanceUID",
                )
                return _Identifiers(*map(elements.text, keywords))
        except FileRefusedError:
            continue
    return None


def _flag(patient_id: str, same: Sequence[_Identifiers], studies: int) -> str:
    """Why a PatientID stands for no patient: blank or a placeholder, or shared by several patients."""
    if not patient_id:
        return "no-patient-id"
    if "".join(filter(str.isalnum, patient_id)).upper() in _PLACEHOLDERS:
        return "shared-patient" if len(same) > 1 else "no-patient-id"
    contradicted = any(
        len({value for value in values if value}) > 1
        for values in ([one.sex for one in same], [one.birth_date for one in same])
    )
    of_all = len(same) == studies >= _SHARED_BY
    return "shared-patient" if contradicted or of_all else ""


def _examination(one: _Identifiers, same_study: Sequence[_Identifiers], name: str) -> str:
    """What stands for an examination: StudyInstanceUID, or the folder where that tells none apart."""
    series = [other.series_uid for other in same_study]
    told_apart = len(set(series)) == len(series) < _SHARED_BY or len(series) == 1
    # A prefix that no PatientID can have: texts in DICOM hold no NUL.
    return f"\0study {one.study_uid}" if one.study_uid and told_apart else f"\0folder {name}"
