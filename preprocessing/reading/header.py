"""Reads the CT slices of one DICOM file from its header, or refuses the file.

Keywords are DICOM's (PS3.3 C.7.6.1, C.7.6.2, C.8.2.1). Pixel data is not read.
"""

from pathlib import Path

from pydicom.uid import CTImageStorage, EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage

from preprocessing.reading.ct_slice import CtSlice, parse_plane, parse_rescale
from preprocessing.reading.elements import Elements, open_elements
from preprocessing.reading.enhanced import read_enhanced_slices
from preprocessing.reading.header_marks import header_marks
from preprocessing.reading.manufacturer import manufacturer_of
from preprocessing.reading.number_text import lenient_number
from preprocessing.reading.pixels import PixelFormat
from preprocessing.reading.refusals import FileRefusedError
from preprocessing.reading.spectral import is_spectral_map, is_virtual

_MULTI_FRAME = (EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage)
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_NON_IMAGE_CLASSES = (
    "1.2.840.10008.5.1.4.1.1.88",
    "1.2.840.10008.5.1.4.1.1.104",
    "1.2.840.10008.5.1.4.1.1.11",
)
_LOSSY_SYNTAXES = tuple(f"1.2.840.10008.1.2.4.{last}" for last in (51, 81, 91, 203))
_PROJECTIONS = {"MIP", "MINIP", "MPR", "VRT", "SSD", "PROJECTION", "REFORMATTED"}
_MODALITIES = ("MR", "PT", "NM", "US", "CR", "DX", "MG", "XA", "RF", "SEG", "RTSTRUCT", "RTDOSE", "PR", "KO")
_LOW_DOSE_MGY, _LOW_EXPOSURE_MAS = 3.0, 40.0  # CTDIvol as in lung cancer screening


def read_slices(path: Path) -> list[CtSlice]:
    """The slices of one file. Raises FileRefusedError with a stable code if it holds none."""
    with open_elements(path) as elements:
        try:
            return _slices(elements, path)
        except FileRefusedError as refusal:
            refusal.series_uid = elements.text("SeriesInstanceUID")
            raise
        except Exception:  # interpreting a malformed header can fail in any way
            raise FileRefusedError("broken-header", series_uid=elements.text("SeriesInstanceUID")) from None


def _slices(elements: Elements, path: Path) -> list[CtSlice]:
    sop_class = elements.text("SOPClassUID") or elements.media_class
    _refuse_other_objects(elements, sop_class)
    pixel_format = PixelFormat.from_elements(elements)
    if sop_class in _MULTI_FRAME:
        return read_enhanced_slices(elements, pixel_format, path, _flags(elements))
    if pixel_format.frames != 1:
        raise FileRefusedError("multi-frame")
    return [_single_slice(elements, pixel_format, path)]


def _refuse_other_objects(elements: Elements, sop_class: str) -> None:
    modality, image_type = elements.text("Modality"), _image_type(elements)
    if any(sop_class == uid or sop_class.startswith(uid + ".") for uid in _NON_IMAGE_CLASSES):
        raise FileRefusedError("not-an-image")
    if sop_class == _SECONDARY_CAPTURE or sop_class.startswith(_SECONDARY_CAPTURE + "."):
        raise FileRefusedError("secondary-capture")
    if not sop_class:
        raise FileRefusedError("no-sop-class")
    if sop_class not in (CTImageStorage, *_MULTI_FRAME) or modality != "CT":
        # Only known values are repeated: a header may hold anything, also names.
        raise FileRefusedError("wrong-modality", modality if modality in _MODALITIES else "")
    if {"LOCALIZER", "SCOUT"} & set(image_type):
        raise FileRefusedError("localizer")
    words = {word for value in image_type for word in value.replace("_", " ").split()}
    axial = image_type[1:2] == ("PRIMARY",) and image_type[2:3] in (("AXIAL",), ("VOLUME",))
    if is_spectral_map(image_type, elements.text("SeriesDescription")):
        raise FileRefusedError("not-hounsfield", "by ImageType or SeriesDescription")
    if image_type[:1] == ("DERIVED",) and not axial or words & _PROJECTIONS:
        raise FileRefusedError("derived")


def _single_slice(elements: Elements, pixel_format: PixelFormat, path: Path) -> CtSlice:
    text = elements.text
    slope, intercept = parse_rescale(text("RescaleSlope"), text("RescaleIntercept"), text("RescaleType"))
    geometry = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
    plane = parse_plane(*map(elements.texts, geometry))
    return CtSlice(
        path=path,
        frame=0,
        instance_uid=text("SOPInstanceUID"),
        series_uid=text("SeriesInstanceUID"),
        study_uid=text("StudyInstanceUID"),
        patient_id=text("PatientID"),
        shape=(pixel_format.rows, pixel_format.columns),
        plane=plane,
        slope=slope,
        intercept=intercept,
        stored_range=pixel_format.stored_range,
        kernel=text("ConvolutionKernel"),
        thickness_mm=max(0.0, lenient_number(text("SliceThickness")) or 0.0),
        manufacturer=manufacturer_of(text("Manufacturer")),
        body_part=text("BodyPartExamined").upper(),
        split_attributes=header_marks(elements),
        flags=_flags(elements),
    )


def _image_type(elements: Elements) -> tuple[str, ...]:
    return tuple(value.upper() for value in elements.texts("ImageType"))


def _flags(elements: Elements) -> tuple[str, ...]:
    text = elements.text
    found = {
        "lossy": text("LossyImageCompression") == "01" or elements.syntax in _LOSSY_SYNTAXES,
        "derived": _image_type(elements)[:1] == ("DERIVED",),
        "monochrome1": text("PhotometricInterpretation") == "MONOCHROME1",
        "contrast": text("ContrastBolusAgent").upper() not in ("", "NONE", "NO", "N"),
        "low-dose": _is_low_dose(elements),
        "monoenergetic": is_virtual(_image_type(elements), text("SeriesDescription")),
        "prone": text("PatientPosition") in ("HFP", "FFP"),
        "on-side": text("PatientPosition") in ("HFDL", "HFDR", "FFDL", "FFDR"),
        "unspecified-units": text("RescaleType").upper() == "US",
    }
    return tuple(name for name, present in found.items() if present)


def _is_low_dose(elements: Elements) -> bool:
    dose = elements.double("CTDIvol")
    if dose is not None:
        return 0 < dose <= _LOW_DOSE_MGY
    exposure = lenient_number(elements.text("Exposure"))
    return exposure is not None and 0 < exposure <= _LOW_EXPOSURE_MAS
