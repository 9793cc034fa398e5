"""Identifiers of DICOM results: the same for the same scan and model, however often it is diagnosed."""

from uuid import NAMESPACE_OID, uuid5

from pydicom.uid import UID

from client.diagnosis.dicom_results.producer import MAKER
from client.diagnosis.dicom_results.source_images import SourceImages
from shared_model.saved_model import ModelCard
from shared_model.versions import package_version

# Of the scan's headers, those that results copy: if they are corrected, the results are others.
_COPIED = (
    "PatientID",
    "PatientName",
    "PatientBirthDate",
    "PatientSex",
    "StudyInstanceUID",
    "AccessionNumber",
)


def result_uid(source: SourceImages, card: ModelCard, *part: str) -> UID:
    """The identifier of `part` of the results that this version makes of these images by this model.

    See decision 0150. A PACS that has these results already then recognises them.
    """
    images = [str(image.SOPInstanceUID) for image in source.datasets]
    copied = [str(source.first.get(keyword) or "") for keyword in _COPIED]
    return named_uid(package_version(), card.card_sha256, card.weights_sha256, *copied, *images, *part)


def named_uid(*words: str) -> UID:
    """The UID that these words always have, of a name-based UUID (PS3.5 B.2, RFC 9562 5.5)."""
    return UID(f"2.25.{uuid5(NAMESPACE_OID, chr(0).join([MAKER, *words])).int}")
