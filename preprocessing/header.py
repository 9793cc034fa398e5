"""The header of one DICOM file: what the reader needs of a CT slice, or why the file is refused.

Keywords are DICOM's own (PS3.3 C.7.6.1, C.7.6.2, C.8.2.1). Only headers are read here, never pixels.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.errors import InvalidDicomError
from pydicom.uid import (
    JPEG2000,
    CTImageStorage,
    EnhancedCTImageStorage,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLSNearLossless,
    LegacyConvertedEnhancedCTImageStorage,
)

MAX_PIXELS = 4096 * 4096
_LOSSY = (JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLSNearLossless, JPEG2000)
_TAGS = [
    "SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "PatientID", "Modality",
    "ImageType", "Rows", "Columns", "BitsAllocated", "BitsStored", "SamplesPerPixel", "NumberOfFrames",
    "PixelSpacing", "ImagePositionPatient", "ImageOrientationPatient", "RescaleSlope",
    "RescaleIntercept", "ConvolutionKernel", "LossyImageCompression", "PhotometricInterpretation",
]  # fmt: skip


class FileRefusedError(Exception):
    """One file that is no usable CT slice; `code` is stable, `series_uid` empty where unknown."""

    def __init__(self, code: str, reason: str, series_uid: str = "") -> None:
        super().__init__(reason)
        self.code, self.reason, self.series_uid = code, reason, series_uid


@dataclass(frozen=True)
class SliceHeader:
    """One CT slice as its header describes it; vectors are in DICOM patient axes (left, back, head), mm."""

    path: Path
    instance_uid: str
    series_uid: str
    patient_id: str
    kernel: str
    shape: tuple[int, int]  # rows, columns
    spacing_mm: tuple[float, float]  # between rows, between columns
    position_mm: tuple[float, float, float]
    orientation: tuple[float, ...]  # direction cosines of a row, then of a column
    flags: tuple[str, ...]

    @property
    def normal(self) -> NDArray[np.float64]:
        """Unit normal of the slice plane, pointing to the head, float64 [3]."""
        return normal_of(self.orientation)

    @property
    def height_mm(self) -> float:
        """Position of the slice along its normal, mm, growing to the head."""
        return height_mm(self.orientation, self.position_mm)


def normal_of(orientation: tuple[float, ...]) -> NDArray[np.float64]:
    """Unit normal of a slice with direction cosines `orientation`, pointing to the head, float64 [3]."""
    cosines = np.array(orientation, np.float64)
    normal = np.cross(cosines[:3], cosines[3:])
    return normal if normal[2] >= 0 else -normal


def height_mm(orientation: tuple[float, ...], position_mm: tuple[float, ...]) -> float:
    """Where a slice lies along its normal, mm, growing to the head."""
    return float(np.dot(normal_of(orientation), np.array(position_mm, np.float64)))


def open_dataset(path: Path, *, pixels: bool) -> pydicom.Dataset:
    """Read one file, with or without its pixels; every failure is a FileRefusedError."""
    try:
        with path.open("rb") as file:
            start = file.read(132)
            # Old files lack the preamble: their first element is group 0002 or 0008, little endian.
            bare = start[:2] in (b"\x02\x00", b"\x08\x00") and start[128:] != b"DICM"
            if start[128:] != b"DICM" and not bare:
                raise FileRefusedError("not-dicom", "the file is not DICOM")
            file.seek(0)
            return pydicom.dcmread(
                file, force=bare, stop_before_pixels=not pixels, specific_tags=None if pixels else list(_TAGS)
            )
    except FileRefusedError:
        raise
    except InvalidDicomError:
        raise FileRefusedError("not-dicom", "the file is not DICOM") from None
    except OSError:
        raise FileRefusedError("file-unreadable", "the file cannot be read; check its permissions") from None
    except Exception as error:  # a broken header can fail in any way inside the parser
        raise FileRefusedError(
            "broken-header", f"the DICOM header is broken ({type(error).__name__})"
        ) from None


def read_header(path: Path) -> SliceHeader:
    """Header of one CT slice. Raises FileRefusedError with a stable code where it is not one."""
    data = open_dataset(path, pixels=False)
    series_uid = str(data.get("SeriesInstanceUID", ""))
    try:
        _refuse_other_objects(data)
        _refuse_unusable_pixels(data, path)
        return _slice_header(data, path)
    except FileRefusedError as refusal:
        raise FileRefusedError(refusal.code, refusal.reason, series_uid) from None
    except Exception as error:
        reason = f"a header value cannot be understood ({type(error).__name__})"
        raise FileRefusedError("broken-header", reason, series_uid) from None


def _refuse_other_objects(data: pydicom.Dataset) -> None:
    kind = data.get("SOPClassUID", "")
    modality = str(data.get("Modality", ""))
    image_type = [str(value).upper() for value in data.get("ImageType", None) or []]
    if "LOCALIZER" in image_type or "SCOUT" in image_type:
        raise FileRefusedError("localizer", "a localizer (scout view), not a slice")
    if kind in (EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage):
        raise FileRefusedError("multi-frame", "multi-frame CT is not read yet; export single-frame slices")
    if str(kind).startswith("1.2.840.10008.5.1.4.1.1.7"):
        raise FileRefusedError("secondary-capture", "a secondary capture (screenshot), not a measured slice")
    if str(kind).startswith("1.2.840.10008.5.1.4.1.1.88"):
        raise FileRefusedError("not-an-image", "a report (structured report, dose), not an image")
    if kind != CTImageStorage or modality != "CT":
        raise FileRefusedError("wrong-modality", f"not a CT image (Modality {modality or 'missing'})")
    if image_type[:1] == ["DERIVED"] and image_type[1:3] != ["PRIMARY", "AXIAL"]:
        raise FileRefusedError("derived", "a derived image (projection, map); use the original series")


def _refuse_unusable_pixels(data: pydicom.Dataset, path: Path) -> None:
    rows, columns = int(data.get("Rows", None) or 0), int(data.get("Columns", None) or 0)
    if rows < 1 or columns < 1:
        raise FileRefusedError("not-an-image", "the file holds no pixels")
    if rows * columns > MAX_PIXELS:
        raise FileRefusedError("implausible-size", f"{rows} x {columns} pixels is no CT slice")
    if int(data.get("SamplesPerPixel", 1)) != 1 or int(data.get("NumberOfFrames", None) or 1) != 1:
        raise FileRefusedError("multi-frame", "one file must hold one grey slice")
    if int(data.get("BitsStored", 16)) <= 8:
        raise FileRefusedError("eight-bit", "8-bit pixels have lost the Hounsfield scale")
    syntax = data.file_meta.get("TransferSyntaxUID", None)
    if syntax is not None and not syntax.is_compressed and not syntax.is_deflated:
        needed = rows * columns * int(data.get("BitsAllocated", 16)) // 8
        if path.stat().st_size < needed:
            raise FileRefusedError("unreadable-pixels", "the pixel data is truncated; fetch the file again")


def _slice_header(data: pydicom.Dataset, path: Path) -> SliceHeader:
    if data.get("RescaleSlope", None) is None or data.get("RescaleIntercept", None) is None:
        raise FileRefusedError("no-rescale", "RescaleSlope or RescaleIntercept is missing: no HU")
    wanted = (("ImageOrientationPatient", 6), ("ImagePositionPatient", 3), ("PixelSpacing", 2))
    orientation, position, spacing = (_numbers(data, keyword, length) for keyword, length in wanted)
    if abs(np.cross(orientation[:3], orientation[3:])[2]) < np.cos(np.radians(30)):
        raise FileRefusedError("not-axial", "the slice is tilted more than 30 degrees from axial")
    if not 0.05 <= spacing[0] <= 5 or abs(spacing[0] / spacing[1] - 1) > 0.01:
        raise FileRefusedError("odd-pixels", f"pixels of {spacing[0]} x {spacing[1]} mm; they must be square")
    kernel = data.get("ConvolutionKernel", None) or ""
    return SliceHeader(
        path=path,
        instance_uid=str(data.get("SOPInstanceUID", "")),
        series_uid=str(data.get("SeriesInstanceUID", "")),
        patient_id=str(data.get("PatientID", "")),
        kernel=str(kernel),
        shape=(int(data.Rows), int(data.Columns)),
        spacing_mm=(spacing[0], spacing[1]),
        position_mm=(position[0], position[1], position[2]),
        orientation=orientation,
        flags=_flags(data),
    )


def _numbers(data: pydicom.Dataset, keyword: str, length: int) -> tuple[float, ...]:
    values: Any = data.get(keyword, None)
    if values is None or len(values) != length or not np.isfinite([float(value) for value in values]).all():
        raise FileRefusedError("no-geometry", f"{keyword} is missing or malformed")
    return tuple(float(value) for value in values)


def _flags(data: pydicom.Dataset) -> tuple[str, ...]:
    syntax = data.file_meta.get("TransferSyntaxUID", None)
    found = {
        "lossy": str(data.get("LossyImageCompression", "")) == "01" or syntax in _LOSSY,
        "derived": [str(value).upper() for value in data.get("ImageType", None) or []][:1] == ["DERIVED"],
        "monochrome1": data.get("PhotometricInterpretation", "") == "MONOCHROME1",
    }
    return tuple(name for name, present in found.items() if present)
