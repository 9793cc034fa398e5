"""Writes slices as CT Image Storage (PS3.3 A.3), one file per slice, with invented identities."""

import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element, write_dataset, write_file_meta_info
from pydicom.tag import Tag
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian, ImplicitVRLittleEndian, generate_uid

from preprocessing.phantom.scanner import Scanner

# Elements that differ between slices, in tag order. The others are encoded once, which halves the time.
_PER_SLICE_TAGS = [
    Tag(name)
    for name in ("SOPInstanceUID", "InstanceNumber", "ImagePositionPatient", "SliceLocation", "PixelData")
]
IMPLEMENTATION_UID = generate_uid(entropy_srcs=["pneumofed", "phantom", "implementation"])


def phantom_uid(*parts: object) -> UID:
    """A UID derived from `parts`."""
    return generate_uid(entropy_srcs=["pneumofed", "phantom", *map(str, parts)])


def _meta(scanner: Scanner) -> FileMetaDataset:
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\x00\x01"
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.TransferSyntaxUID = ImplicitVRLittleEndian if scanner.implicit else ExplicitVRLittleEndian
    meta.ImplementationClassUID = IMPLEMENTATION_UID
    meta.ImplementationVersionName = "PNEUMOFED"
    return meta


def _patient(ds: Dataset, identity: str) -> None:
    ds.PatientName = f"Phantom^{identity}"
    ds.PatientID = identity
    ds.PatientBirthDate = ""
    ds.PatientSex = "O"
    ds.StudyInstanceUID = phantom_uid(identity, "study")
    ds.StudyDate = "20200401"
    ds.StudyTime = "080000"
    ds.ReferringPhysicianName = ""
    ds.StudyID = "1"
    ds.AccessionNumber = ""
    ds.StudyDescription = "CT chest (phantom)"


def _equipment(ds: Dataset, scanner: Scanner) -> None:
    ds.Modality = "CT"
    ds.Manufacturer = "Phantom"
    ds.ManufacturerModelName = scanner.model
    ds.ConvolutionKernel = scanner.kernel
    ds.KVP = scanner.kvp
    ds.SliceThickness = scanner.thickness_mm
    ds.BodyPartExamined = "CHEST"
    ds.PatientPosition = "HFS"
    ds.ReconstructionDiameter = round(scanner.matrix * scanner.pixel_mm, 2)
    ds.GantryDetectorTilt = 0
    ds.SeriesNumber = 2
    ds.SeriesDescription = f"Lung {scanner.kernel}"
    ds.AcquisitionNumber = 1
    ds.PositionReferenceIndicator = ""
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]


def _pixels(ds: Dataset, scanner: Scanner) -> None:
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.Rows = ds.Columns = scanner.matrix
    ds.PixelSpacing = [scanner.pixel_mm, scanner.pixel_mm]
    ds.BitsAllocated = 16
    ds.BitsStored = scanner.bits
    ds.HighBit = scanner.bits - 1
    ds.PixelRepresentation = int(scanner.signed)
    if scanner.padding is not None:
        ds.add_new("PixelPaddingValue", "SS" if scanner.signed else "US", scanner.padding_stored())
    ds.RescaleSlope = scanner.slope
    ds.RescaleIntercept = scanner.intercept
    ds.RescaleType = "HU"
    ds.WindowCenter = [-600, 40]
    ds.WindowWidth = [1500, 400]


def instance_numbers(scanner: Scanner, slices: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """InstanceNumber of each slice, feet to head, int64 [slice]."""
    order = np.arange(1, slices + 1)
    if scanner.numbering == "head-first":
        return order[::-1]
    return rng.permutation(order) if scanner.numbering == "shuffled" else order


def write_series(
    folder: Path,
    stored: Iterable[NDArray[np.int32]],
    z_mm: NDArray[np.float64],
    scanner: Scanner,
    *,
    identity: str,
    rng: np.random.Generator,
) -> None:
    """Write planes of stored values, int32 [row, column], feet to head at positions `z_mm`, into `folder`.

    File names are InstanceNumbers and contain nothing about the patient.
    """
    ds = FileDataset("", Dataset(), file_meta=_meta(scanner), preamble=b"\0" * 128)
    ds.SOPClassUID = CTImageStorage
    _patient(ds, identity)
    _equipment(ds, scanner)
    _pixels(ds, scanner)
    ds.SeriesInstanceUID = phantom_uid(identity, "series")
    ds.FrameOfReferenceUID = phantom_uid(identity, "frame")
    ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    fixed = _encoded_between(ds, _PER_SLICE_TAGS)
    corner = round(-(scanner.matrix - 1) / 2 * scanner.pixel_mm, 4)
    dtype = np.dtype("<i2" if scanner.signed else "<u2")
    for number, z, plane in zip(instance_numbers(scanner, len(z_mm), rng), z_mm, stored, strict=True):
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID = phantom_uid(identity, "slice", number)
        ds.InstanceNumber = int(number)
        ds.ImagePositionPatient = [corner, corner, round(float(z), 4)]
        ds.SliceLocation = round(float(z), 4)
        ds.add_new("PixelData", "OW", plane.astype(dtype).tobytes())
        own = (_element(ds[tag], scanner.implicit) for tag in _PER_SLICE_TAGS)
        meta = DicomBytesIO()
        write_file_meta_info(meta, ds.file_meta)
        parts = [part for pair in zip(fixed, own, strict=True) for part in pair]
        (folder / f"{number:06d}.dcm").write_bytes(b"".join([b"\0" * 128, b"DICM", meta.getvalue(), *parts]))


def _encoded_between(ds: FileDataset, tags: Sequence[int]) -> list[bytes]:
    """Encoded elements of `ds` before the first of `tags`, between first and second, ...; `ds` has none of
    `tags`.
    """
    implicit = ds.file_meta.TransferSyntaxUID == ImplicitVRLittleEndian
    return [_encoded(ds[low:high], implicit) for low, high in itertools.pairwise((0, *tags))]


def _encoded(ds: Dataset, implicit: bool) -> bytes:
    buffer = _buffer(implicit)
    write_dataset(buffer, ds)
    return buffer.getvalue()


def _element(element: DataElement, implicit: bool) -> bytes:
    buffer = _buffer(implicit)
    write_data_element(buffer, element)
    return buffer.getvalue()


def _buffer(implicit: bool) -> DicomBytesIO:
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, implicit
    return buffer
