"""The CT slices of one DICOM file as its header describes them, or why the file is refused.

Keywords are DICOM's own (PS3.3 C.7.6.1, C.7.6.2, C.8.2.1). Only headers are read here, never pixels.
"""

from pathlib import Path

from pydicom.uid import CTImageStorage, EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage

from preprocessing.reading.elements import Elements, opened
from preprocessing.reading.enhanced import enhanced_slices
from preprocessing.reading.pixels import PixelFormat
from preprocessing.reading.refusals import FileRefusedError
from preprocessing.reading.slices import CtSlice, plane_of, rescale_of

_MULTI_FRAME = (EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage)
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_NO_IMAGES = ("1.2.840.10008.5.1.4.1.1.88", "1.2.840.10008.5.1.4.1.1.104", "1.2.840.10008.5.1.4.1.1.11")
_LOSSY = tuple(f"1.2.840.10008.1.2.4.{last}" for last in (51, 81, 91, 203))
_PROJECTIONS = {"MIP", "MINIP", "MPR", "VRT", "SSD", "PROJECTION", "REFORMATTED"}
_MODALITIES = ("MR", "PT", "NM", "US", "CR", "DX", "MG", "XA", "RF", "SEG", "RTSTRUCT", "RTDOSE", "PR", "KO")
_LOW_DOSE_MGY, _LOW_EXPOSURE_MAS = 3.0, 40.0  # CTDIvol as in lung cancer screening


def read_slices(path: Path) -> list[CtSlice]:
    """The slices of one file. Raises FileRefusedError with a stable code where there is none."""
    with opened(path) as elements:
        try:
            return _slices(elements, path)
        except FileRefusedError as refusal:
            refusal.series_uid = elements.text("SeriesInstanceUID")
            raise
        except Exception:  # a broken header can fail in any way where it is interpreted
            raise FileRefusedError("broken-header", series_uid=elements.text("SeriesInstanceUID")) from None


def _slices(elements: Elements, path: Path) -> list[CtSlice]:
    kind = elements.text("SOPClassUID")
    _refuse_other_objects(elements, kind)
    form = PixelFormat.of(elements)
    if kind in _MULTI_FRAME:
        return enhanced_slices(elements, form, path, _flags(elements))
    if form.frames != 1:
        raise FileRefusedError("multi-frame")
    return [_single_slice(elements, form, path)]


def _refuse_other_objects(elements: Elements, kind: str) -> None:
    modality, image_type = elements.text("Modality"), _image_type(elements)
    if any(kind == one or kind.startswith(one + ".") for one in _NO_IMAGES):
        raise FileRefusedError("not-an-image")
    if kind == _SECONDARY_CAPTURE or kind.startswith(_SECONDARY_CAPTURE + "."):
        raise FileRefusedError("secondary-capture")
    if kind not in (CTImageStorage, *_MULTI_FRAME) or modality != "CT":
        # A header can say anything, so only what is known is repeated.
        raise FileRefusedError("wrong-modality", modality if modality in _MODALITIES else "")
    if {"LOCALIZER", "SCOUT"} & set(image_type):
        raise FileRefusedError("localizer")
    words = {word for value in image_type for word in value.replace("_", " ").split()}
    axial = image_type[1:2] == ("PRIMARY",) and image_type[2:3] in (("AXIAL",), ("VOLUME",))
    if image_type[:1] == ("DERIVED",) and not axial or words & _PROJECTIONS:
        raise FileRefusedError("derived")


def _single_slice(elements: Elements, form: PixelFormat, path: Path) -> CtSlice:
    text = elements.text
    slope, intercept = rescale_of(text("RescaleSlope"), text("RescaleIntercept"), text("RescaleType"))
    geometry = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
    plane = plane_of(*map(elements.texts, geometry))
    marks = (text("AcquisitionNumber"), text("TemporalPositionIdentifier"), text("ImageType"))
    return CtSlice(
        path=path,
        frame=0,
        instance_uid=text("SOPInstanceUID"),
        series_uid=text("SeriesInstanceUID"),
        study_uid=text("StudyInstanceUID"),
        patient_id=text("PatientID"),
        shape=(form.rows, form.columns),
        plane=plane,
        slope=slope,
        intercept=intercept,
        stored_range=form.stored_range,
        kernel=text("ConvolutionKernel"),
        thickness_mm=float(text("SliceThickness") or 0),
        body_part=text("BodyPartExamined").upper(),
        marks=(*marks, text("ReconstructionDiameter")),
        flags=_flags(elements),
    )


def _image_type(elements: Elements) -> tuple[str, ...]:
    return tuple(value.upper() for value in elements.texts("ImageType"))


def _flags(elements: Elements) -> tuple[str, ...]:
    text = elements.text
    found = {
        "lossy": text("LossyImageCompression") == "01" or elements.syntax in _LOSSY,
        "derived": _image_type(elements)[:1] == ("DERIVED",),
        "monochrome1": text("PhotometricInterpretation") == "MONOCHROME1",
        "contrast": text("ContrastBolusAgent").upper() not in ("", "NONE", "NO", "N"),
        "low-dose": _is_low_dose(elements),
        "prone": text("PatientPosition") in ("HFP", "FFP"),
        "unspecified-units": text("RescaleType").upper() == "US",
    }
    return tuple(name for name, present in found.items() if present)


def _is_low_dose(elements: Elements) -> bool:
    dose = elements.double("CTDIvol")
    if dose is not None:
        return 0 < dose <= _LOW_DOSE_MGY
    exposure = elements.text("Exposure")
    return bool(exposure) and 0 < float(exposure) <= _LOW_EXPOSURE_MAS
