"""The slices of an Enhanced or legacy-converted multi-frame CT (PS3.3 A.38, C.7.6.16)."""

import sys
from pathlib import Path

from pydicom import Dataset
from pydicom.filereader import read_dataset

from preprocessing.reading.ct_slice import CtSlice, parse_plane, parse_rescale
from preprocessing.reading.elements import Elements
from preprocessing.reading.header_marks import MARKS, header_marks
from preprocessing.reading.manufacturer import manufacturer_of
from preprocessing.reading.number_text import lenient_number
from preprocessing.reading.pixels import PixelFormat
from preprocessing.reading.refusals import FileRefusedError

_SHARED, _PER_FRAME = "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"
# Marks of a frame: the functional group and the attribute that say for it what a header says for a slice.
_MARKS = {
    "ConvolutionKernel": ("CTReconstructionSequence", "ConvolutionKernel"),
    "SliceThickness": ("PixelMeasuresSequence", "SliceThickness"),
    "AcquisitionNumber": ("FrameContentSequence", "FrameAcquisitionNumber"),
    "TemporalPositionIdentifier": ("FrameContentSequence", "TemporalPositionIndex"),
    "StackID": ("FrameContentSequence", "StackID"),
    "AcquisitionDateTime": ("FrameContentSequence", "FrameAcquisitionDateTime"),
    "ImageType": ("CTImageFrameTypeSequence", "FrameType"),
    "ReconstructionDiameter": ("CTReconstructionSequence", "ReconstructionDiameter"),
    "NominalPercentageOfCardiacPhase": ("CardiacSynchronizationSequence", "NominalPercentageOfCardiacPhase"),
    "NominalCardiacTriggerDelayTime": ("CardiacSynchronizationSequence", "NominalCardiacTriggerDelayTime"),
    "NominalPercentageOfRespiratoryPhase": (
        "RespiratorySynchronizationSequence", "NominalPercentageOfRespiratoryPhase"
    ),
    "KVP": ("CTXRayDetailsSequence", "KVP"),
    "IrradiationEventUID": ("IrradiationEventIdentificationSequence", "IrradiationEventUID"),
}  # fmt: skip
_MAX_HEADER_BYTES = 32 << 20  # bytes
_MAX_ITEMS = 200_000  # each becomes a dataset in memory
_ITEM = b"\xfe\xff\x00\xe0"


def read_enhanced_slices(
    elements: Elements, pixel_format: PixelFormat, path: Path, flags: tuple[str, ...]
) -> list[CtSlice]:
    """One slice per frame, in file order. Raises FileRefusedError if a frame is not a usable slice."""
    data = _functional_groups(elements)
    shared, per_frame = data.get(_SHARED, None) or [Dataset()], data.get(_PER_FRAME, None) or []
    if len(per_frame) != pixel_format.frames:
        raise FileRefusedError("broken-header", "functional groups for other frames than there are")
    return [
        _slice(_FrameGroups(shared[0], own), elements, pixel_format, path, number, flags)
        for number, own in enumerate(per_frame)
    ]


def _functional_groups(elements: Elements) -> Dataset:
    """The dataset of the shared and per-frame functional groups, with bounded memory."""
    length = (elements.pixel_data_offset or 0) - elements.dataset_offset
    if length > _MAX_HEADER_BYTES:
        raise FileRefusedError("implausible-size", "the header is longer than any CT's")
    elements.stream.seek(elements.dataset_offset)
    if elements.stream.read(length).count(_ITEM) > _MAX_ITEMS:
        raise FileRefusedError("implausible-size", "more sequence items than any CT has")
    elements.stream.seek(elements.dataset_offset)
    return read_dataset(
        elements.stream,
        not elements.encoding.explicit,
        elements.little_endian,
        stop_when=lambda tag, vr, length: tag >= 0x7FE00000,
        specific_tags=[0x52009229, 0x52009230],
    )


class _FrameGroups:
    """Functional groups of a frame: per-frame ones first, then shared ones (PS3.3 C.7.6.16)."""

    def __init__(self, shared: Dataset, own: Dataset) -> None:
        self._shared, self._own = shared, own

    def get(self, group: str, keyword: str) -> object:
        """Value of `keyword` in the first item of the functional group, None if absent."""
        for groups in (self._own, self._shared):
            items = groups.get(group, None)
            if items:
                return items[0].get(keyword, None)
        return None

    def text(self, group: str, keyword: str) -> str:
        value = self.get(group, keyword)
        return "" if value is None else str(value)

    def optional(self, group: str, keyword: str) -> str:
        """The text of an optional attribute; "" if it is absent or malformed."""
        try:
            return self.text(group, keyword)
        except Exception:  # pydicom interprets a value when it is asked for
            return ""

    def values(self, group: str, keyword: str) -> list[object]:
        value = self.get(group, keyword)
        return list(value) if isinstance(value, (list, tuple)) or hasattr(value, "__iter__") else []


def _slice(
    frame: _FrameGroups,
    elements: Elements,
    pixel_format: PixelFormat,
    path: Path,
    number: int,
    flags: tuple[str, ...],
) -> CtSlice:
    kind = frame.values("CTImageFrameTypeSequence", "FrameType")
    pixels, transform = "PixelMeasuresSequence", "PixelValueTransformationSequence"
    if kind and str(kind[0]) == "DERIVED" and "derived" not in flags:
        raise FileRefusedError("derived", "a frame")
    if "LOCALIZER" in map(str, kind):
        raise FileRefusedError("localizer", "a frame")
    units = frame.text(transform, "RescaleType")
    slope, intercept = parse_rescale(
        frame.get(transform, "RescaleSlope"), frame.get(transform, "RescaleIntercept"), units
    )
    plane = parse_plane(
        frame.values("PlanePositionSequence", "ImagePositionPatient"),
        frame.values("PlaneOrientationSequence", "ImageOrientationPatient"),
        frame.values(pixels, "PixelSpacing"),
    )
    if units.upper() == "US":
        flags = (*flags, "unspecified-units")
    reconstruction = "CTReconstructionSequence"
    return CtSlice(
        path=path,
        frame=number,
        instance_uid=f"{elements.text('SOPInstanceUID')}/{number}",
        series_uid=elements.text("SeriesInstanceUID"),
        study_uid=elements.text("StudyInstanceUID"),
        patient_id=elements.text("PatientID"),
        shape=(pixel_format.rows, pixel_format.columns),
        plane=plane,
        slope=slope,
        intercept=intercept,
        stored_range=pixel_format.stored_range,
        kernel=frame.text(reconstruction, "ConvolutionKernel") or elements.text("ConvolutionKernel"),
        thickness_mm=max(0.0, lenient_number(frame.optional(pixels, "SliceThickness")) or 0.0),
        manufacturer=manufacturer_of(elements.text("Manufacturer")),
        body_part=elements.text("BodyPartExamined").upper(),
        split_attributes=_frame_marks(frame, elements),
        flags=flags,
    )


def _frame_marks(frame: _FrameGroups, elements: Elements) -> tuple[str, ...]:
    """The marks of a frame, in the order of header_marks.MARKS: its own if it has one, else the file's."""
    own = {mark: frame.optional(*place) for mark, place in _MARKS.items()}
    return tuple(
        sys.intern(own.get(mark) or common)
        for mark, common in zip(MARKS, header_marks(elements), strict=True)
    )
