"""The headers of the images that a scan was read from: study, patient and geometry of the results."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.valuerep import DA, TM

from preprocessing.reading.series import CtSeries
from shared_model.errors import PneumofedError

# Type 2: must be there, may be empty (PS3.3 C.7.1.1, C.7.2.1).
_MAY_BE_EMPTY = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID",
    "AccessionNumber", "ReferringPhysicianName",
)  # fmt: skip
_NEEDED = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID")
_REMEDY = "export the original series, or diagnose without --dicom"


@dataclass(frozen=True)
class SourceImages:
    """series: as it was read. datasets: headers without pixels, of each single-frame image in the series'
    order, or of the one multi-frame image. frames: how many frames it has, None for single frames; frame_of
    int64 [image]: the frame of each image of the series.
    """

    series: CtSeries
    datasets: tuple[Dataset, ...]
    frames: int | None
    frame_of: NDArray[np.int64]

    @property
    def first(self) -> Dataset:
        """The header from which patient and study are copied."""
        return self.datasets[0]

    def frame_labels(self, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """`labels` uint8 [image, row, column], one for each of the source's frames, 0 where it has others."""
        if self.frames is None:
            return labels
        of_frames = np.zeros((self.frames, *labels.shape[1:]), np.uint8)
        of_frames[self.frame_of] = labels
        return of_frames


def read_source_images(series: CtSeries) -> SourceImages:
    """Read the headers of the files of `series`.

    Raises PneumofedError `dicom-source` if they cannot carry results: several multi-frame files, no frame of
    reference, other identifiers missing, or a file that is gone.
    """
    paths = list(dict.fromkeys(image.path for image in series.images))
    several_frames = len(paths) < len(series.images) or any(image.frame for image in series.images)
    if several_frames and len(paths) > 1:
        raise PneumofedError(
            "dicom-source",
            f"the series lies in several multi-frame files, which no result can refer to; {_REMEDY}",
        )
    try:
        datasets = tuple(
            _repaired(dcmread(path, stop_before_pixels=True), series.spacing_mm[0]) for path in paths
        )
    except Exception as error:  # of a header that the strict reader cannot interpret
        reason = f"the header of an image cannot be read ({type(error).__name__}); {_REMEDY}"
        raise PneumofedError("dicom-source", reason) from None
    _check(datasets)
    frames = int(datasets[0].get("NumberOfFrames") or 1)
    is_multi_frame = "PerFrameFunctionalGroupsSequence" in datasets[0]
    frame_of = np.array([image.frame for image in series.images], np.int64)
    return SourceImages(series, datasets, frames if is_multi_frame else None, frame_of)


def _repaired(dataset: Dataset, slice_mm: float) -> Dataset:
    """With the elements that must be there, empty if they were missing or have no valid value.

    Slices without SliceThickness are taken to have no gaps.
    """
    if not dataset.get("SliceThickness"):
        dataset.SliceThickness = slice_mm
    for keyword in _MAY_BE_EMPTY:
        if keyword not in dataset:
            setattr(dataset, keyword, None)
    for keyword, kind in (("PatientBirthDate", DA), ("StudyDate", DA), ("StudyTime", TM)):
        try:
            kind(dataset[keyword].value or "")
        except ValueError:
            setattr(dataset, keyword, None)
    if dataset.PatientSex not in ("M", "F", "O"):
        dataset.PatientSex = None
    return dataset


def _check(datasets: Sequence[Dataset]) -> None:
    for dataset in datasets:
        missing = [keyword for keyword in _NEEDED if not dataset.get(keyword)]
        if missing:
            raise PneumofedError("dicom-source", f"an image has no {missing[0]}; {_REMEDY}")
