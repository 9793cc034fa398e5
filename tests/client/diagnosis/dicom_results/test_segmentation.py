"""Segmentations read back by highdicom and SimpleITK: each pixel where the stored files have it, left and
right not swapped, in every orientation.
"""

from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pytest
import SimpleITK
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset

from client.diagnosis.dicom_results.segmentation import (
    binary_segmentation,
    frame_labels,
    label_map_segmentation,
)
from client.diagnosis.dicom_results.source_images import read_source_images
from preprocessing.reading.series_selection import select_series
from tests.support.chests import PIXEL_MM
from tests.support.diagnosed_scans import card
from tests.support.enhanced_series import write_enhanced
from tests.support.marked_lungs import (
    LEFT,
    LESION,
    PLANTED,
    RIGHT,
    diagnosed_series,
    marked_chest,
    marked_series,
)
from tests.support.oblique_series import AXIAL

Masks = dict[str, list[NDArray[np.bool_]]]


def stored_masks(folder: Path, lesion_side: int) -> Masks:
    """Right lung, left lung and lesion of each source image by its UID, as SimpleITK reads the file's HU."""
    found = {}
    for path in folder.iterdir():
        hu = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))[0]
        lesion = hu == LESION
        lungs = [(hu == mark) | (lesion & (side == lesion_side)) for side, mark in ((1, RIGHT), (2, LEFT))]
        found[str(dcmread(path).SOPInstanceUID)] = [*lungs, lesion]
    return found


def written(folder: Path, lesion_side: int, out: Path, make: Any) -> Path:
    series = select_series(folder).required()
    source = read_source_images(series)
    labels = frame_labels(diagnosed_series(series, lesion_side), source)
    out.mkdir()
    make(labels, source, card()).save_as(out / "made.dcm", enforce_file_format=True)
    return out / "made.dcm"


def frames_by_source(segmentation: Dataset) -> list[tuple[str, int | None]]:
    """Source image's UID, and segment number of a binary segmentation, of each frame."""
    frames: list[tuple[str, int | None]] = []
    for groups in segmentation.PerFrameFunctionalGroupsSequence:
        uid = groups.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
        segment = groups.get("SegmentIdentificationSequence")
        frames.append((str(uid), segment[0].ReferencedSegmentNumber if segment else None))
    return frames


@pytest.mark.parametrize("number", range(8))
def test_each_pixel_is_where_the_files_have_it(tmp_path: Path, number: int) -> None:
    """And the right lung at the patient's right by the positions that the segmentation itself holds."""
    orientation, lesion_side = AXIAL[number], 1 + number // 2 % 2
    marked_series(tmp_path / "scan", lesion_side, orientation)
    expected = stored_masks(tmp_path / "scan", lesion_side)
    path = written(tmp_path / "scan", lesion_side, tmp_path / "out", binary_segmentation)
    pixels = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path))) > 0
    frames = frames_by_source(dcmread(path))
    assert len(frames) == len(pixels) == sum(mask.any() for masks in expected.values() for mask in masks)
    for (uid, segment), frame in zip(frames, pixels, strict=True):
        assert segment is not None
        np.testing.assert_array_equal(frame, expected[uid][segment - 1])
    read = highdicom.seg.segread(path)
    uids = list(expected)
    by_uid = read.get_pixels_by_source_instance(uids, assert_missing_frames_are_empty=True)
    for uid, found in zip(uids, by_uid, strict=True):
        for segment in range(3):
            np.testing.assert_array_equal(found[..., segment] > 0, expected[uid][segment])
    check_sides(read, lesion_side)


def check_sides(read: highdicom.seg.Segmentation, lesion_side: int) -> None:
    middle = 96 * PIXEL_MM / 2  # x grows to the patient's left
    for segment, is_right in ((1, True), (2, False), (3, lesion_side == 1)):
        volume = read.get_volume(segment_numbers=[segment], combine_segments=True)
        x = volume.map_indices_to_reference(np.argwhere(volume.array > 0))[:, 0]
        assert len(x) > 100 and ((x < middle) == is_right).all()
    kinds = [one.SegmentedPropertyTypeCodeSequence[0] for one in read.SegmentSequence[:2]]
    words = [one.SegmentedPropertyTypeModifierCodeSequence[0].CodeMeaning for one in kinds]
    assert words == ["Right", "Left"] and [one.CodeMeaning for one in kinds] == ["Lung", "Lung"]


@pytest.mark.parametrize("lesion_side", [1, 2])
def test_the_label_map_holds_the_same(tmp_path: Path, lesion_side: int) -> None:
    marked_series(tmp_path / "scan", lesion_side, AXIAL[3])
    expected = stored_masks(tmp_path / "scan", lesion_side)
    path = written(tmp_path / "scan", lesion_side, tmp_path / "out", label_map_segmentation)
    made = dcmread(path)
    assert made.SegmentationType == "LABELMAP"
    labels = [one.SegmentLabel for one in made.SegmentSequence if one.SegmentNumber]
    assert labels == [
        "Right lung, not infected",
        "Left lung, not infected",
        "Infection, right lung",
        "Infection, left lung",
    ]
    for (uid, _), frame in zip(frames_by_source(made), made.pixel_array, strict=True):
        right, left, lesion = expected[uid]
        np.testing.assert_array_equal(frame, np.where(lesion, 2 + lesion_side, right + 2 * left))


def test_it_is_in_the_scan_s_study_and_frame_of_reference(tmp_path: Path) -> None:
    marked_series(tmp_path / "scan", 1)
    for number, make in enumerate((binary_segmentation, label_map_segmentation)):
        made = dcmread(written(tmp_path / "scan", 1, tmp_path / str(number), make))
        for keyword, value in {**PLANTED, "PatientID": "MRN-7730415"}.items():
            assert str(made[keyword].value) == value
        scan = dcmread(next((tmp_path / "scan").iterdir()))
        assert made.SeriesInstanceUID != scan.SeriesInstanceUID
        assert made.ReferencedSeriesSequence[0].SeriesInstanceUID == scan.SeriesInstanceUID
        assert "research use only" in made.SeriesDescription
        model = made.SegmentSequence[-1].SegmentationAlgorithmIdentificationSequence[0]
        assert model.AlgorithmName == "pneumofed tiny"


def test_frames_of_a_multi_frame_image(tmp_path: Path) -> None:
    """Frames are stored head first, with another rescale each."""
    hu = marked_chest(2)
    path = write_enhanced(tmp_path / "scan", hu, order=list(range(len(hu)))[::-1], **PLANTED)
    expected = hu[::-1] == LESION
    made = dcmread(written(tmp_path / "scan", 2, tmp_path / "out", binary_segmentation))
    frames = made.pixel_array
    found = np.zeros(expected.shape, bool)
    for groups, frame in zip(made.PerFrameFunctionalGroupsSequence, frames, strict=True):
        if groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber == 3:
            image = groups.DerivationImageSequence[0].SourceImageSequence[0]
            assert image.ReferencedSOPInstanceUID == dcmread(path).SOPInstanceUID
            found[int(image.ReferencedFrameNumber) - 1] = frame
    np.testing.assert_array_equal(found, expected)
