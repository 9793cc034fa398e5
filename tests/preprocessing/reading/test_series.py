"""Series are found, ordered feet to head, and refused with the codes of docs/reading.md."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import (
    JPEG2000,
    UID,
    JPEGLSNearLossless,
    SecondaryCaptureImageStorage,
    generate_uid,
)

from preprocessing.reading.elements import open_elements
from preprocessing.reading.pixels import PixelFormat, stored_frames
from preprocessing.reading.series import MIN_SLICES, find_series
from preprocessing.reading.volume import load_volume
from tests.support.chests import SLICE_MM, chest, write_series

HU, LUNGS = chest()


def codes(folder: Path) -> list[tuple[str, str]]:
    return sorted((refusal.kind, refusal.code) for refusal in find_series(folder).refused)


@pytest.mark.parametrize(
    "orientation",
    [(1, 0, 0, 0, 1, 0), (-1, 0, 0, 0, -1, 0), (-1, 0, 0, 0, 1, 0), (0, 1, 0, 1, 0, 0), (0, -1, 0, 1, 0, 0)],
)
def test_any_axial_orientation_is_turned_to_one(tmp_path: Path, orientation: tuple[float, ...]) -> None:
    write_series(tmp_path, HU, orientation=orientation)
    (series,) = find_series(tmp_path).accepted
    np.testing.assert_array_equal(load_volume(series).hu, HU)


def test_three_missing_slices_are_refused(tmp_path: Path) -> None:
    write_series(tmp_path, HU, skip=(3, 6, 9))
    assert codes(tmp_path) == [("series", "missing-slices")]


@pytest.mark.parametrize(
    ("code", "tags"),
    [
        ("localizer", {"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}),
        ("derived", {"ImageType": ["DERIVED", "SECONDARY", "MPR"]}),
        ("secondary-capture", {"SOPClassUID": SecondaryCaptureImageStorage}),
        ("wrong-modality", {"Modality": "MR"}),
        ("not-axial", {"ImageOrientationPatient": [1, 0, 0, 0, 0, -1]}),
        ("no-geometry", {"ImagePositionPatient": None}),
        ("no-rescale", {"RescaleSlope": None}),
        ("no-rescale", {"RescaleIntercept": None}),
        ("eight-bit", {"BitsStored": 8, "HighBit": 7}),
        ("odd-pixels", {"PixelSpacing": [0.5, 2.5]}),
        ("implausible-size", {"Rows": 60000, "Columns": 60000}),
        ("not-an-image", {"Rows": None}),
    ],
)
def test_a_series_is_refused_by_code(tmp_path: Path, code: str, tags: dict[str, object]) -> None:
    write_series(tmp_path, HU, **tags)
    assert codes(tmp_path) == [("series", code)]


def test_too_few_slices_are_refused(tmp_path: Path) -> None:
    write_series(tmp_path, HU[: MIN_SLICES - 1])
    assert codes(tmp_path) == [("series", "too-few-slices")]


def test_uneven_slices_are_flagged_or_refused(tmp_path: Path) -> None:
    heights = SLICE_MM * np.arange(len(HU))
    heights[5] += 0.2 * SLICE_MM
    write_series(tmp_path / "a", HU, heights=heights)
    heights[5] += 0.2 * SLICE_MM
    write_series(tmp_path / "b", HU, heights=heights)
    report = find_series(tmp_path)
    assert [series.flags for series in report.accepted] == [("uneven-spacing",)]
    assert [refusal.code for refusal in report.refused] == ["irregular-spacing"]


def test_a_repeated_slice_is_dropped_and_a_conflicting_one_refused(tmp_path: Path) -> None:
    uid = generate_uid()
    path = write_series(tmp_path, HU, series_uid=uid)[3]
    copy = dcmread(path)
    copy.save_as(tmp_path / "copy.dcm")
    (series,) = find_series(tmp_path).accepted
    assert (series.flags, series.slices) == (("duplicates",), len(HU))
    copy.PixelData = bytes(len(copy.PixelData))
    copy.save_as(tmp_path / "copy.dcm")
    assert codes(tmp_path) == [("series", "duplicate-conflict")]


def test_bad_files_do_not_harm_the_rest(tmp_path: Path) -> None:
    paths = write_series(tmp_path, HU)
    (tmp_path / "empty").touch()
    (tmp_path / "letter.txt").write_text("Dear colleague,\n" * 20)
    (tmp_path / "noise").write_bytes(np.random.default_rng(0).bytes(5000))
    (tmp_path / "half.dcm").write_bytes(paths[0].read_bytes()[:140])
    (tmp_path / "short.dcm").write_bytes(paths[0].read_bytes()[:-20000])
    report = find_series(tmp_path)
    assert [series.slices for series in report.accepted] == [len(HU)]
    by_name = {Path(refusal.where).name: refusal.code for refusal in report.refused}
    assert by_name == {
        "empty": "empty-file",
        "letter.txt": "not-dicom",
        "noise": "not-dicom",
        "half.dcm": "broken-header",
        "short.dcm": "unreadable-pixels",
    }


def test_series_and_kernels_are_kept_apart(tmp_path: Path) -> None:
    write_series(tmp_path / "a", HU)
    uid = generate_uid()
    write_series(tmp_path / "b", HU, series_uid=uid)
    write_series(tmp_path / "c", HU, series_uid=uid, ConvolutionKernel="SHARP")
    flags = sorted(series.flags for series in find_series(tmp_path).accepted)
    assert flags == [(), ("split-series",), ("split-series",)]


def test_a_series_of_two_patients_is_refused(tmp_path: Path) -> None:
    uid = generate_uid()
    write_series(tmp_path / "a", HU[:7], series_uid=uid)
    write_series(tmp_path / "b", HU[7:], series_uid=uid, patient_id="other", heights=np.arange(7) * 6.0 + 42)
    assert codes(tmp_path) == [("series", "mixed-patients")]


def test_progress_counts_every_file(tmp_path: Path) -> None:
    write_series(tmp_path, HU)
    seen: list[tuple[int, int]] = []
    find_series(tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(number, len(HU)) for number in range(1, len(HU) + 1)]


@pytest.mark.real_data
def test_the_real_series(real_data: Path) -> None:
    (series,) = find_series(real_data / "chest-ct").accepted
    assert (series.slices, series.flags, series.spacing_mm[0]) == (99, (), 3.0)
    volume = load_volume(series)
    assert volume.hu.min() == -1024
    assert (np.diff(volume.z_mm) == 3).all()


@pytest.mark.real_data
def test_lossless_encodings_hold_the_same_pixels(real_data: Path) -> None:
    folder = real_data / "awkward-dicom" / "encodings"
    plain, padding = stored(folder / "CT1_UNC")
    np.testing.assert_array_equal(plain, dcmread(folder / "CT1_UNC").pixel_array)
    assert padding is not None and padding[0, 0] and not padding[256, 256]
    for name in ("RLE", "JPLL", "JLSL", "J2KR"):
        np.testing.assert_array_equal(stored(folder / f"CT1_{name}")[0], plain, err_msg=name)
    for name, syntax in (("JLSN", JPEGLSNearLossless), ("J2KI", JPEG2000)):
        other = get_decoder(UID(syntax)).as_array(dcmread(folder / f"CT1_{name}"), decoding_plugin="gdcm")[0]
        np.testing.assert_allclose(stored(folder / f"CT1_{name}")[0], other, atol=1, err_msg=name)


def stored(path: Path) -> tuple[np.ndarray, np.ndarray | None]:
    with open_elements(path) as elements:
        return next(stored_frames(elements, PixelFormat.from_elements(elements), [0]))


@pytest.mark.real_data
def test_awkward_files_are_all_named_with_a_code(real_data: Path) -> None:
    report = find_series(real_data / "awkward-dicom")
    assert not report.accepted
    found = sorted(refusal.code for refusal in report.refused)
    few = ["too-few-slices"] * 3  # single slices, the same as a legacy-converted multi-frame, and the odd one
    # The encodings are one slice in seven ways, two of them with loss; the RLE copy says DERIVED, SECONDARY.
    assert found == ["derived", "derived", "duplicate-conflict", *["not-hounsfield"] * 2, *few]


def test_all_problems_of_a_series_are_named(tmp_path: Path) -> None:
    uid = generate_uid()
    tags = {"BodyPartExamined": "KNEE", "series_uid": uid}
    write_series(tmp_path / "a", HU[:2], patient_id="a", intercept=0, signed=False, **tags)
    write_series(tmp_path / "b", HU[:2], patient_id="b", heights=np.array([50.0, 56]), intercept=0, **tags)
    problems = ("mixed-patients", "not-chest", "not-hounsfield", "too-few-slices")
    assert codes(tmp_path) == [("series", code) for code in problems]


def test_scanner_and_thickness_are_those_that_all_slices_name(tmp_path: Path) -> None:
    hu = chest(14, 96)[0]
    write_series(tmp_path / "a", hu, Manufacturer="SIEMENS", SliceThickness="1.25")
    (series,) = find_series(tmp_path / "a").accepted
    assert (series.manufacturer, series.thickness_mm) == ("siemens", 1.25)
    other = replace(series.images[3], manufacturer="ge", thickness_mm=5.0)
    mixed = replace(series, images=(*series.images[:3], other, *series.images[4:]))
    assert (mixed.manufacturer, mixed.thickness_mm) == (None, None)
    write_series(tmp_path / "b", hu)
    (silent,) = find_series(tmp_path / "b").accepted
    assert (silent.manufacturer, silent.thickness_mm) == (None, None)
