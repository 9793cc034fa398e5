"""What came from a PACS: a CT image with its identifiers, or why it is not kept."""

import re
from dataclasses import dataclass
from pathlib import Path

from pydicom.uid import CTImageStorage, EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage

from preprocessing.reading.elements import open_elements
from preprocessing.reading.refusals import FileRefusedError

CT_CLASSES = (CTImageStorage, EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage)
_UID = re.compile(r"[0-9.]{1,64}")


class NotKeptError(Exception):
    """An object is quarantined; `reason` is a code without anything of the object in it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class ReceivedImage:
    """Identifiers of a CT image; those of the patient are "" where absent."""

    study_uid: str
    instance_uid: str
    patient_id: str
    name: str
    birth_date: str
    sex: str

    def is_of_other_patient(self, other: "ReceivedImage") -> bool:
        """Whether the two cannot be of one patient, by PatientID, or PatientName if both have none."""
        if self.patient_id != other.patient_id or (not self.patient_id and self.name != other.name):
            return True
        pairs = ((self.birth_date, other.birth_date), (self.sex, other.sex))
        return any(mine and theirs and mine != theirs for mine, theirs in pairs)


def read_received(path: Path) -> ReceivedImage:
    """The image in the file `path`, of which only the header is read.

    Raises NotKeptError `not-ct`, `bad-identifiers`, or the code of a file that is no readable DICOM.
    """
    try:
        with open_elements(path) as elements:
            text = {
                keyword: elements.text(keyword)
                for keyword in (
                    "SOPClassUID", "Modality", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID",
                    "PatientID", "PatientName", "PatientBirthDate", "PatientSex",
                )
            }  # fmt: skip
    except FileRefusedError as refusal:
        raise NotKeptError(refusal.code) from None
    if text["SOPClassUID"] not in CT_CLASSES or text["Modality"] != "CT":
        raise NotKeptError("not-ct")
    uids = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
    if not all(_UID.fullmatch(text[keyword]) for keyword in uids):
        raise NotKeptError("bad-identifiers")
    return ReceivedImage(
        study_uid=text["StudyInstanceUID"],
        instance_uid=text["SOPInstanceUID"],
        patient_id=text["PatientID"],
        name=text["PatientName"],
        birth_date=text["PatientBirthDate"],
        sex=text["PatientSex"],
    )
