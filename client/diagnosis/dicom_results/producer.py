"""What all DICOM results of a diagnosis say of the software and the model that made them (PS3.3 C.7.5.1)."""

from typing import Any

from highdicom import AlgorithmIdentificationSequence
from highdicom.sr import CodedConcept
from pydicom.sr.codedict import codes

from client.diagnosis.figure_text import RESEARCH_ONLY
from client.diagnosis.limits import is_research_only
from shared_model.saved_model import ModelCard
from shared_model.versions import package_version

MAKER = "pneumofed"
SCHEME = "99PNEUMOFED"
"""Designator of the codes that no standard scheme has (PS3.16 8.2: private ones begin with 99)."""

ML = CodedConcept("ml", "UCUM", "milliliter")


def equipment(card: ModelCard) -> dict[str, Any]:
    """Arguments of highdicom's objects: the software as equipment, the weights as its serial number."""
    return {
        "manufacturer": MAKER,
        "manufacturer_model_name": MAKER,
        "software_versions": package_version(),
        "device_serial_number": card.weights_sha256[:16] or "unsaved",
    }


def description(card: ModelCard, what: str) -> str:
    """SeriesDescription, at most 64 characters; a model for research only says so."""
    return f"{MAKER}: {what}" + (f" ({RESEARCH_ONLY})" if is_research_only(card) else "")


def algorithm_name(card: ModelCard) -> str:
    """The study that trained the model, at most 64 characters."""
    return f"{MAKER} {card.study.name}"[:64]


def algorithm_version(card: ModelCard) -> str:
    """The weights' fingerprint, at most 64 characters."""
    return card.weights_sha256[:16] or "unsaved"


def algorithm(card: ModelCard) -> AlgorithmIdentificationSequence:
    """The model as the algorithm that made a segment (PS3.3 10.16)."""
    return AlgorithmIdentificationSequence(
        name=algorithm_name(card),
        family=codes.DCM.ArtificialIntelligence,
        version=algorithm_version(card),
        source=MAKER,
    )


def private_code(value: str, meaning: str) -> CodedConcept:
    """A code of this software's own scheme."""
    return CodedConcept(value, SCHEME, meaning)
