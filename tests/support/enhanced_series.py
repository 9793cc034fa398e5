"""Writes a volume as an Enhanced CT: one file, one frame a slice."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, dcmread
from pydicom.sequence import Sequence as Items
from pydicom.uid import EnhancedCTImageStorage

from tests.support.chests import SLICE_MM, write_series

RESCALES = ((1, -1024), (0.5, -1100), (2, -1030))


def _item(**values: Any) -> Dataset:
    found = Dataset()
    for keyword, value in values.items():
        setattr(found, keyword, value)
    return found


def write_enhanced(
    folder: Path,
    hu: NDArray[np.int16],
    *,
    order: Iterable[int] | None = None,
    rescales: Sequence[tuple[float, float]] = RESCALES,
    **tags: Any,
) -> Path:
    """Write `hu` [slice, row, column] (feet to head, axial) as one file, frames in `order`.

    Slices take the (slope, intercept) of `rescales` in turn; `tags` are set in the file.
    """
    order = list(range(len(hu)) if order is None else order)
    (path,) = write_series(folder, hu[:1], BitsStored=12, HighBit=11)
    data = dcmread(path)
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "RescaleSlope",
                    "RescaleIntercept", "ConvolutionKernel"):  # fmt: skip
        delattr(data, keyword)
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = EnhancedCTImageStorage
    data.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    data.NumberOfFrames = len(order)
    frames, pixels = [], b""
    for number in order:
        slope, intercept = rescales[number % len(rescales)]
        pixels += np.rint((hu[number] - intercept) / slope).astype("<u2").tobytes()
        transform = _item(RescaleSlope=slope, RescaleIntercept=intercept, RescaleType="HU")
        position = _item(ImagePositionPatient=[0, 0, number * SLICE_MM])
        content = _item(FrameAcquisitionNumber=1)
        kind = _item(FrameType=["ORIGINAL", "PRIMARY", "VOLUME", "NONE"])
        frames.append(
            _item(
                PlanePositionSequence=Items([position]),
                PixelValueTransformationSequence=Items([transform]),
                FrameContentSequence=Items([content]),
                CTImageFrameTypeSequence=Items([kind]),
            )
        )
    measures = _item(PixelSpacing=[2.5, 2.5], SliceThickness=6)
    plane = _item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])
    data.SharedFunctionalGroupsSequence = Items([_item(
        PixelMeasuresSequence=Items([measures]),
        PlaneOrientationSequence=Items([plane]),
        CTReconstructionSequence=Items([_item(ConvolutionKernel="LUNG")]),
    )])  # fmt: skip
    data.PerFrameFunctionalGroupsSequence = Items(frames)
    data.PixelData = pixels
    for keyword, value in tags.items():
        setattr(data, keyword, value)
    data.save_as(path)
    return path
