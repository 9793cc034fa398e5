"""A chest simple enough to reason about, and a writer of DICOM series with every option a test wants.

Written without the package under test and without its phantoms.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

PIXEL_MM, SLICE_MM = 2.5, 6.0
AIR, LUNG, TISSUE, BONE = -1000, -850, 40, 700


def ellipse(size: int, row: float, column: float, rows: float, columns: float) -> NDArray[np.bool_]:
    """A filled ellipse on a size x size image; centre and radii as shares of the size."""
    grid = (np.arange(size) + 0.5) / size
    return ((grid[:, None] - row) / rows) ** 2 + ((grid[None, :] - column) / columns) ** 2 <= 1


def chest(
    slices: int = 14, size: int = 128, *, noise: float = 8, seed: int = 0
) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    """HU int16 [slice, row, column], feet to head, and the lungs: uint8, 1 right (image left), 2 left."""
    rng = np.random.default_rng(seed)
    hu = np.full((slices, size, size), AIR, np.float64)
    lungs = np.zeros(hu.shape, np.uint8)
    for number in range(slices):
        grow = 0.75 + 0.25 * np.sin(np.pi * (number + 1) / (slices + 1))
        hu[number][ellipse(size, 0.5, 0.5, 0.36, 0.44)] = TISSUE
        for side, column in ((1, 0.3), (2, 0.7)):
            lung = ellipse(size, 0.48, column, 0.25 * grow, 0.13 * grow)
            hu[number][lung], lungs[number][lung] = LUNG, side
        hu[number][ellipse(size, 0.78, 0.5, 0.05, 0.05)] = BONE
        hu[number][ellipse(size, 0.35, 0.5, 0.025, 0.025)] = AIR  # the trachea
    noisy = np.maximum(np.rint(hu + rng.normal(0, noise, hu.shape)), -1024)  # what 12 bits can hold
    return noisy.astype(np.int16), lungs


def write_series(
    folder: Path,
    hu: NDArray[np.int16],
    *,
    slope: float = 1,
    intercept: float = -1024,
    signed: bool = False,
    orientation: tuple[float, ...] = (1, 0, 0, 0, 1, 0),
    skip: tuple[int, ...] = (),
    series_uid: str | None = None,
    patient_id: str = "patient",
    heights: NDArray[np.float64] | None = None,
    **tags: Any,
) -> list[Path]:
    """Write `hu` [slice, row, column] (feet to head, axial) as one file a slice, in shuffled order.

    `orientation` says how the slices are stored: the anatomy stays, rows and columns are turned. `skip`
    leaves slices out; `tags` are set in each file, None deletes one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    series_uid = series_uid or generate_uid()
    z_mm = np.arange(len(hu), dtype=np.float64) * SLICE_MM if heights is None else heights
    order = np.random.default_rng(7).permutation(len(hu))
    paths = []
    for name, number in enumerate(order):
        if number in skip:
            continue
        stored, corner = _turned(hu[number], orientation)
        raw = np.rint((stored.astype(np.float64) - intercept) / slope).astype(
            np.int16 if signed else np.uint16
        )
        data = _dataset(raw, series_uid, patient_id, signed=signed)
        data.ImagePositionPatient = [*corner, float(z_mm[number])]
        data.ImageOrientationPatient = list(orientation)
        data.RescaleSlope, data.RescaleIntercept = slope, intercept
        data.InstanceNumber = int(name) + 1  # of no meaning
        for keyword, value in tags.items():
            if value is None:
                delattr(data, keyword)
            else:
                setattr(data, keyword, value)
        path = folder / f"{name:03d}.dcm"
        data.save_as(path, enforce_file_format=True)
        paths.append(path)
    return paths


def _turned(
    image: NDArray[np.int16], orientation: tuple[float, ...]
) -> tuple[NDArray[np.int16], tuple[float, float]]:
    """The stored image whose pixels lie where `orientation` says, and x, y of its first pixel."""
    extent = PIXEL_MM * (image.shape[0] - 1)
    along_row, along_column = np.array(orientation[:2]), np.array(orientation[3:5])
    if abs(along_row[1]) > abs(along_row[0]):
        image = image.T
        flip_columns, flip_rows = along_row[1] < 0, along_column[0] < 0
    else:
        flip_columns, flip_rows = along_row[0] < 0, along_column[1] < 0
    corner = np.where(along_row + along_column < 0, extent, 0.0)
    stored = image[:: -1 if flip_rows else 1, :: -1 if flip_columns else 1]
    return np.ascontiguousarray(stored), (float(corner[0]), float(corner[1]))


def _dataset(raw: NDArray[Any], series_uid: str, patient_id: str, *, signed: bool) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
    data.SeriesInstanceUID = series_uid
    data.StudyInstanceUID = generate_uid(entropy_srcs=["study", patient_id])
    data.PatientID, data.PatientName, data.Modality = patient_id, "Nobody^Test", "CT"
    data.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    data.Rows, data.Columns = raw.shape
    data.PixelSpacing = [PIXEL_MM, PIXEL_MM]
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit = 16, 16, 15
    data.PixelRepresentation = int(signed)
    data.ConvolutionKernel = "SOFT"
    data.PixelData = raw.tobytes()
    return data
