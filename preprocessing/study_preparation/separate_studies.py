"""Whether a folder holds one study, or a folder for each of several studies."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from preprocessing.reading.study_folders import study_folders
from preprocessing.study_preparation.identifiers import StudyIdentifiers, identifiers_of, read_identifiers


@dataclass(frozen=True)
class StudyFolder:
    """A folder of one study; identifiers: None if no DICOM file is in it."""

    path: Path
    identifiers: StudyIdentifiers | None


def separate_studies(folder: Path) -> dict[str, StudyFolder]:
    """The folders in `folder` by name, if they hold several studies; empty if all in it is one study.

    It is one study if it holds CT slices beside its folders, if it has fewer than two folders, or if all of
    these are of one study: the same PatientID and StudyInstanceUID, no contradiction in PatientSex or
    PatientBirthDate. A study is often exported with a folder for each series. Raises OSError if `folder`
    cannot be listed.
    """
    folders = study_folders(folder)
    if len(folders) < 2 or _has_loose_slices(folder):
        return {}
    found = identifiers_of(folders)
    if not found or _are_one_study(found.values()):
        return {}
    return {name: StudyFolder(path, found.get(name)) for name, path in folders.items()}


def _has_loose_slices(folder: Path) -> bool:
    found = (read_identifiers(entry) for entry in folder.iterdir() if entry.is_file())
    return any(one is not None and one.is_ct for one in found)


def _are_one_study(found: Collection[StudyIdentifiers]) -> bool:
    studies = {(one.patient_id, one.study_uid) for one in found}
    sexes, births = {one.sex for one in found} - {""}, {one.birth_date for one in found} - {""}
    return len(studies) == 1 and "" not in {uid for _, uid in studies} and max(len(sexes), len(births)) <= 1
