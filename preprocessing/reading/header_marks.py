"""The marks of a slice, from its header: attributes that may tell passes and phases of a series apart."""

import sys

from preprocessing.reading.elements import Elements

MARKS = (
    "PatientID", "StudyInstanceUID", "ConvolutionKernel", "SliceThickness", "AcquisitionNumber",
    "TemporalPositionIdentifier", "ImageType", "ReconstructionDiameter", "PatientPosition",
    "NominalPercentageOfCardiacPhase", "NominalPercentageOfRespiratoryPhase",
    "NominalCardiacTriggerDelayTime", "TriggerTime", "KVP", "FilterType", "IrradiationEventUID",
    "SeriesNumber", "SeriesDescription", "ProtocolName", "ContrastBolusAgent", "AcquisitionDate",
    "AcquisitionTime", "AcquisitionDateTime", "ContentDate", "ContentTime", "XRayTubeCurrent", "Exposure",
    "StackID",
)  # fmt: skip
_DOUBLES = (
    "NominalPercentageOfCardiacPhase", "NominalPercentageOfRespiratoryPhase", "NominalCardiacTriggerDelayTime"
)  # fmt: skip


def header_marks(elements: Elements) -> tuple[str, ...]:
    """The text of each of MARKS, "" if absent. They stay in the hospital, as all identifiers do."""
    # Interned: of 100,000 slices most have the same values.
    return tuple(sys.intern(_mark(elements, keyword)) for keyword in MARKS)


def _mark(elements: Elements, keyword: str) -> str:
    if keyword not in _DOUBLES:
        return elements.text(keyword)
    value = elements.double(keyword)
    return "" if value is None else f"{value:g}"
