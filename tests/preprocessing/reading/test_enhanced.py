"""Multi-frame CT: legacy files converted by highdicom, and Enhanced ones written by hand."""

from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import JPEG2000Lossless, RLELossless, generate_uid

from preprocessing.reading.series import find_series
from preprocessing.reading.volume import load_volume
from tests.support.chests import SLICE_MM, chest, write_series
from tests.support.enhanced_series import write_enhanced

HU, _ = chest(10, 32)


@pytest.mark.parametrize("order", [range(10), range(9, -1, -1), [3, 1, 4, 0, 5, 9, 2, 6, 8, 7]])
def test_frames_are_ordered_by_position_each_with_its_rescale(tmp_path: Path, order: Any) -> None:
    write_enhanced(tmp_path, HU, order=order)
    (series,) = find_series(tmp_path).accepted
    assert (series.slices, series.flags, series.images[0].kernel) == (10, (), "LUNG")
    # Slope 2 rounds; the other two do not.
    np.testing.assert_allclose(load_volume(series).hu, HU, atol=1)
    exact = [number for number in range(10) if number % 3 != 2]
    np.testing.assert_array_equal(load_volume(series).hu[exact], HU[exact])


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless], ids=lambda syntax: syntax.name)
def test_compressed_frames_are_found(tmp_path: Path, syntax: str) -> None:
    path = write_enhanced(tmp_path, HU, order=[3, 1, 4, 0, 5, 9, 2, 6, 8, 7])
    plain = load_volume(find_series(tmp_path).accepted[0]).hu
    data = dcmread(path)
    data.compress(syntax, generate_instance_uid=False)
    data.save_as(path)
    np.testing.assert_array_equal(load_volume(find_series(tmp_path).accepted[0]).hu, plain)


def test_a_legacy_converted_series_is_the_series(tmp_path: Path) -> None:
    """highdicom converts; the volume of the one file must be that of the many."""
    paths = write_series(tmp_path / "single", HU, SliceThickness=6)
    singles = []
    study, frame_of_reference = generate_uid(), generate_uid()
    for path in paths:
        data = dcmread(path)
        for keyword in ("PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "AccessionNumber",
                        "StudyID", "ReferringPhysicianName", "Manufacturer", "SeriesDate", "SeriesTime",
                        "ContentDate", "ContentTime", "SeriesNumber", "PatientPosition", "Laterality",
                        "PositionReferenceIndicator", "KVP", "AcquisitionNumber"):  # fmt: skip
            setattr(data, keyword, None)
        data.StudyInstanceUID, data.FrameOfReferenceUID = study, frame_of_reference
        data.BurnedInAnnotation, data.PatientPosition = "NO", "HFS"
        singles.append(data)
    converted = highdicom.legacy.LegacyConvertedEnhancedCTImage(
        singles, series_instance_uid=generate_uid(), series_number=2, sop_instance_uid=generate_uid(),
        instance_number=1,
    )  # fmt: skip
    (tmp_path / "multi").mkdir()
    converted.save_as(tmp_path / "multi" / "a")
    (series,) = find_series(tmp_path / "multi").accepted
    volume = load_volume(series)
    np.testing.assert_array_equal(volume.hu, HU)
    np.testing.assert_allclose(volume.z_mm, np.arange(10) * SLICE_MM)
    theirs = highdicom.imread(tmp_path / "multi" / "a").get_volume()
    np.testing.assert_allclose(theirs.spacing, volume.spacing_mm, atol=1e-6)


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        ({"ImageType": ["DERIVED", "PRIMARY", "PERFUSION", "RCBF"]}, "derived"),
        ({"NumberOfFrames": 7}, "broken-header"),
        ({"NumberOfFrames": 11}, "unreadable-pixels"),
        ({"PerFrameFunctionalGroupsSequence": None}, "broken-header"),
        ({"SharedFunctionalGroupsSequence": None}, "no-geometry"),
    ],
)
def test_what_is_wrong_with_a_multi_frame_file_is_named(
    tmp_path: Path, tags: dict[str, Any], code: str
) -> None:
    write_enhanced(tmp_path, HU, **tags)
    report = find_series(tmp_path)
    assert ([one.code for one in report.refused], report.accepted) == ([code], ())


def test_many_frames_in_a_plain_ct_image_are_refused(tmp_path: Path) -> None:
    (path,) = write_series(tmp_path, HU[:1])
    data = dcmread(path)
    data.NumberOfFrames, data.PixelData = 2, data.PixelData * 2
    data.save_as(path)
    assert [one.code for one in find_series(tmp_path).refused] == ["multi-frame"]


@pytest.mark.real_data
def test_a_real_legacy_conversion_has_the_pixels_of_its_single_slices(real_data: Path) -> None:
    from preprocessing.reading.elements import open_elements
    from preprocessing.reading.header import read_slices
    from preprocessing.reading.pixels import PixelFormat, stored_frames

    folder = real_data / "awkward-dicom" / "legacy-enhanced"
    (path,) = (folder / "multiframe").iterdir()
    with open_elements(path) as elements:
        frames = list(stored_frames(elements, PixelFormat.from_elements(elements), [0, 1, 2]))
    by_height = {one.height_mm: frames[one.frame][0] for one in read_slices(path)}
    for single in (folder / "image").iterdir():
        (one,) = read_slices(single)
        np.testing.assert_array_equal(by_height.pop(one.height_mm), dcmread(single).pixel_array)
    assert not by_height
