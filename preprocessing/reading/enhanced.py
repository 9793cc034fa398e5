"""The slices of an Enhanced or legacy-converted multi-frame CT (PS3.3 A.38, C.7.6.16)."""

from pathlib import Path

from pydicom import Dataset
from pydicom.filereader import read_dataset
from pydicom.uid import ImplicitVRLittleEndian

from preprocessing.reading.elements import Elements
from preprocessing.reading.pixels import PixelFormat
from preprocessing.reading.refusals import FileRefusedError
from preprocessing.reading.slices import CtSlice, plane_of, rescale_of

_SHARED, _PER_FRAME = "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"
_LONGEST_HEADER = 32 << 20  # bytes
_MOST_ITEMS = 200_000  # each becomes a dataset in memory
_ITEM = b"\xfe\xff\x00\xe0"


def enhanced_slices(
    elements: Elements, form: PixelFormat, path: Path, flags: tuple[str, ...]
) -> list[CtSlice]:
    """One slice a frame. Raises FileRefusedError where one frame cannot be a slice."""
    data = _functional_groups(elements)
    shared, per_frame = data.get(_SHARED, None) or [Dataset()], data.get(_PER_FRAME, None) or []
    if len(per_frame) != form.frames:
        raise FileRefusedError("broken-header", "functional groups for other frames than there are")
    return [
        _slice(_Frame(shared[0], own), elements, form, path, number, flags)
        for number, own in enumerate(per_frame)
    ]


def _functional_groups(elements: Elements) -> Dataset:
    """The two sequences of functional groups, within a bound on memory."""
    length = (elements.pixels_at or 0) - elements.dataset_at
    if length > _LONGEST_HEADER:
        raise FileRefusedError("implausible-size", "a header longer than any CT's")
    elements.stream.seek(elements.dataset_at)
    if elements.stream.read(length).count(_ITEM) > _MOST_ITEMS:
        raise FileRefusedError("implausible-size", "more items than any CT has")
    elements.stream.seek(elements.dataset_at)
    return read_dataset(
        elements.stream,
        elements.syntax == ImplicitVRLittleEndian,
        elements.little_endian,
        stop_when=lambda tag, vr, length: tag >= 0x7FE00000,
        specific_tags=[0x52009229, 0x52009230],
    )


class _Frame:
    """A frame's functional groups: its own, else the shared ones."""

    def __init__(self, shared: Dataset, own: Dataset) -> None:
        self._shared, self._own = shared, own

    def get(self, group: str, keyword: str) -> object:
        """Value of `keyword` in the first item of `group`, None where absent."""
        for groups in (self._own, self._shared):
            items = groups.get(group, None)
            if items:
                return items[0].get(keyword, None)
        return None

    def text(self, group: str, keyword: str) -> str:
        value = self.get(group, keyword)
        return "" if value is None else str(value)

    def values(self, group: str, keyword: str) -> list[object]:
        value = self.get(group, keyword)
        return list(value) if isinstance(value, (list, tuple)) or hasattr(value, "__iter__") else []


def _slice(
    frame: _Frame, elements: Elements, form: PixelFormat, path: Path, number: int, flags: tuple[str, ...]
) -> CtSlice:
    kind = frame.values("CTImageFrameTypeSequence", "FrameType")
    pixels, transform = "PixelMeasuresSequence", "PixelValueTransformationSequence"
    if kind and str(kind[0]) == "DERIVED" and "derived" not in flags:
        raise FileRefusedError("derived", "a frame")
    if "LOCALIZER" in map(str, kind):
        raise FileRefusedError("localizer", "a frame")
    units = frame.text(transform, "RescaleType")
    slope, intercept = rescale_of(
        frame.get(transform, "RescaleSlope"), frame.get(transform, "RescaleIntercept"), units
    )
    plane = plane_of(
        frame.values("PlanePositionSequence", "ImagePositionPatient"),
        frame.values("PlaneOrientationSequence", "ImageOrientationPatient"),
        frame.values(pixels, "PixelSpacing"),
    )
    if units.upper() == "US":
        flags = (*flags, "unspecified-units")
    content, reconstruction = "FrameContentSequence", "CTReconstructionSequence"
    marks = [frame.text(content, keyword) for keyword in
             ("FrameAcquisitionNumber", "TemporalPositionIndex", "StackID")]  # fmt: skip
    return CtSlice(
        path=path,
        frame=number,
        instance_uid=f"{elements.text('SOPInstanceUID')}/{number}",
        series_uid=elements.text("SeriesInstanceUID"),
        study_uid=elements.text("StudyInstanceUID"),
        patient_id=elements.text("PatientID"),
        shape=(form.rows, form.columns),
        plane=plane,
        slope=slope,
        intercept=intercept,
        stored_range=form.stored_range,
        kernel=frame.text(reconstruction, "ConvolutionKernel") or elements.text("ConvolutionKernel"),
        thickness_mm=float(frame.text(pixels, "SliceThickness") or 0),
        body_part=elements.text("BodyPartExamined").upper(),
        marks=(*marks, frame.text(reconstruction, "ReconstructionDiameter")),
        flags=flags,
    )
