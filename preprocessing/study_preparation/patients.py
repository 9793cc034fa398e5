"""Which studies are of one patient, also where de-identification left PatientID blank or gave all the same.

A study's fold, and so its split and its privacy, is its patient's. Where the identifiers do not tell
patients apart, each examination counts as a patient of its own. See docs/decisions/0110.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from preprocessing.reading.plain_names import comparable
from preprocessing.study_preparation.identifiers import StudyIdentifiers

_PLACEHOLDERS = {
    "ANON", "ANONYM", "ANONYMOUS", "ANONYMIZED", "ANONYMISED", "ANONYMIZE", "ANONYMISIERT", "DEIDENTIFIED",
    "REMOVED", "DELETED", "UNKNOWN", "NONE", "NA", "NULL", "NOID", "NOPATIENTID", "PSEUDONYM", "XXX", "XXXX",
    "0", "00", "000", "0000", "00000", "000000", "00000000",
}  # fmt: skip
_SHARED_BY = 3  # studies: all of a hospital's of one patient, or all of one series, are no coincidence


@dataclass(frozen=True)
class Patient:
    """What stands for a study's patient in the keyed hash of its fold, and the flag that says why, or ""."""

    identity: str
    flag: str = ""


def patients_of(studies: Mapping[str, StudyIdentifiers]) -> dict[str, Patient]:
    """The patient of each study by its folder's name, those left out in which no CT slice can be read."""
    known = {name: one for name, one in studies.items() if one.is_ct}
    by_patient: dict[str, list[StudyIdentifiers]] = defaultdict(list)
    by_study: dict[str, list[StudyIdentifiers]] = defaultdict(list)
    for one in known.values():
        by_patient[one.patient_id].append(one)
        by_study[one.study_uid].append(one)
    patients = {}
    for name, one in known.items():
        flag = _flag(one.patient_id, by_patient[one.patient_id], len(known))
        examination = _examination(one, by_study[one.study_uid], comparable(name))
        patients[name] = Patient(examination, flag) if flag else Patient(one.patient_id)
    return patients


def _flag(patient_id: str, same: Sequence[StudyIdentifiers], studies: int) -> str:
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


def _examination(one: StudyIdentifiers, same_study: Sequence[StudyIdentifiers], name: str) -> str:
    """What stands for an examination: StudyInstanceUID, or the folder where that tells none apart."""
    series = [other.series_uid for other in same_study]
    told_apart = len(set(series)) == len(series) < _SHARED_BY or len(series) == 1
    # A prefix that no PatientID can have: texts in DICOM hold no NUL.
    return f"\0study {one.study_uid}" if one.study_uid and told_apart else f"\0folder {name}"
