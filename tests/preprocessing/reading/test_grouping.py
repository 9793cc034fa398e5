"""What one folder or one series mixes is told apart, copies are dropped, and the best series is chosen."""

import logging
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import generate_uid

from preprocessing.reading.series import CtSeries, find_series
from preprocessing.reading.series_selection import choose_series, kernel_class
from preprocessing.reading.volume import load_volume
from tests.support.chests import SLICE_MM, chest, write_series

HU, _ = chest(12, 32)
OTHER, _ = chest(12, 32, seed=5)


def codes(folder: Path) -> list[str]:
    return [one.code for one in find_series(folder).refused]


def accepted(folder: Path) -> list[CtSeries]:
    report = find_series(folder)
    assert not report.refused
    return list(report.accepted)


@pytest.mark.parametrize(
    "tags",
    [
        {"ConvolutionKernel": "BONE"},
        {"SliceThickness": 1.5},
        {"PixelSpacing": [2.0, 2.0]},
        {"AcquisitionNumber": 2},
        {"TemporalPositionIdentifier": 2},
        {"ImageType": ["ORIGINAL", "PRIMARY", "AXIAL", "SECOND"]},
        {"ReconstructionDiameter": 300},
    ],
    ids=lambda tags: next(iter(tags)),
)
def test_two_reconstructions_in_one_series_are_split(tmp_path: Path, tags: dict[str, Any]) -> None:
    uid = generate_uid()
    first = {"SliceThickness": 6, "AcquisitionNumber": 1, "TemporalPositionIdentifier": 1,
             "ReconstructionDiameter": 400}  # fmt: skip
    write_series(tmp_path / "a", HU, series_uid=uid, **first)
    write_series(tmp_path / "b", OTHER, series_uid=uid, **{**first, **tags})
    found = accepted(tmp_path)
    assert [one.flags for one in found] == [("split-series",)] * 2
    volumes = [load_volume(one).hu for one in found]
    assert any((volume == HU).all() for volume in volumes)
    assert any((volume == OTHER).all() for volume in volumes)


def test_two_reconstructions_that_nothing_tells_apart_are_refused(tmp_path: Path) -> None:
    uid = generate_uid()
    write_series(tmp_path / "a", HU, series_uid=uid)
    write_series(tmp_path / "b", OTHER, series_uid=uid)
    assert codes(tmp_path) == ["duplicate-conflict"]


def test_a_folder_copied_twice_is_one_series(tmp_path: Path) -> None:
    write_series(tmp_path / "a", HU)
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    (series,) = accepted(tmp_path)
    assert (series.slices, series.flags) == (12, ("duplicates",))
    np.testing.assert_array_equal(load_volume(series).hu, HU)


def test_a_slice_sent_twice_under_two_uids_is_one(tmp_path: Path) -> None:
    paths = write_series(tmp_path, HU, series_uid=generate_uid())
    data = dcmread(paths[4])
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    data.save_as(tmp_path / "again")
    (series,) = accepted(tmp_path)
    assert (series.slices, series.flags) == (12, ("duplicates",))


@pytest.mark.parametrize("what", ["pixels", "rescale", "place"])
def test_copies_that_differ_are_refused(tmp_path: Path, what: str) -> None:
    paths = write_series(tmp_path, HU, series_uid=generate_uid())
    data = dcmread(paths[4])  # with the same SOPInstanceUID
    if what == "pixels":
        data.PixelData = bytes(2) + data.PixelData[2:]
    elif what == "rescale":
        data.RescaleIntercept = -1000
    else:
        data.ImagePositionPatient = [40, *data.ImagePositionPatient[1:]]
    data.save_as(tmp_path / "again")
    assert codes(tmp_path) == ["duplicate-conflict"]


def test_a_localizer_and_a_report_inside_a_series_folder_cost_nothing(tmp_path: Path) -> None:
    uid = generate_uid()
    write_series(tmp_path / "scan", HU, series_uid=uid)
    write_series(tmp_path / "scout", HU[:1], series_uid=uid, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    write_series(tmp_path / "side", HU[:1], series_uid=uid, ImageOrientationPatient=[0, 1, 0, 0, 0, -1])
    write_series(tmp_path / "dose", HU[:1], SOPClassUID="1.2.840.10008.5.1.4.1.1.88.67", Modality="SR")
    report = find_series(tmp_path)
    assert [(one.slices, one.flags) for one in report.accepted] == [(12, ())]
    found = sorted((one.kind, one.code) for one in report.refused)
    assert found == [("file", "localizer"), ("file", "not-axial"), ("series", "not-an-image")]


def test_all_problems_of_a_series_are_named(tmp_path: Path) -> None:
    uid = generate_uid()
    tags = {"BodyPartExamined": "KNEE", "series_uid": uid}
    write_series(tmp_path / "a", HU[:2], patient_id="a", intercept=0, signed=False, **tags)
    write_series(tmp_path / "b", HU[:2], patient_id="b", heights=np.array([50.0, 56]), intercept=0, **tags)
    assert codes(tmp_path) == ["mixed-patients", "not-chest", "not-hounsfield", "too-few-slices"]


@pytest.mark.parametrize(
    ("tags", "flags"),
    [
        ({"ContrastBolusAgent": "Iodine"}, ("contrast",)),
        ({"ContrastBolusAgent": ""}, ()),
        ({"Exposure": 20}, ("low-dose",)),
        ({"Exposure": 120}, ()),
        ({"CTDIvol": 1.5, "Exposure": 120}, ("low-dose",)),
        ({"CTDIvol": 8.0, "Exposure": 20}, ()),
        ({"BodyPartExamined": "CHEST_ABDOMEN"}, ()),
        ({"BodyPartExamined": "ABDOMEN"}, ("other-body-part",)),
        ({"RescaleType": "US"}, ("unspecified-units",)),
        ({"ImageType": ["DERIVED", "PRIMARY", "AXIAL"]}, ("derived",)),
    ],
)
def test_what_is_unusual_is_flagged(tmp_path: Path, tags: dict[str, Any], flags: tuple[str, ...]) -> None:
    write_series(tmp_path, HU, **tags)
    assert [one.flags for one in accepted(tmp_path)] == [flags]


@pytest.mark.parametrize(
    ("code", "tags"),
    [
        ("not-hounsfield", {"RescaleType": "Z_EFF"}),
        ("no-rescale", {"RescaleSlope": 0}),
        ("not-chest", {"BodyPartExamined": "HEAD"}),
        ("wrong-modality", {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.128", "Modality": "PT"}),
        ("derived", {"ImageType": ["ORIGINAL", "PRIMARY", "AXIAL", "CT_SOM5 MIP"]}),
        ("colour", {"SamplesPerPixel": 3}),
        ("bit-depth", {"BitsAllocated": 32}),
        ("no-geometry", {"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}),
        ("no-geometry", {"PixelSpacing": None}),
        ("odd-pixels", {"PixelSpacing": [9, 9]}),
    ],
)
def test_what_cannot_be_used_is_refused(tmp_path: Path, code: str, tags: dict[str, Any]) -> None:
    write_series(tmp_path, HU, **tags)
    assert codes(tmp_path) == [code]


def shifted(folder: Path, aside_mm: np.ndarray) -> None:
    uid = generate_uid()
    for number, aside in enumerate(aside_mm):
        write_series(folder / str(number), HU[number : number + 1], series_uid=uid,
                     ImagePositionPatient=[float(aside), 0, number * SLICE_MM])  # fmt: skip


def test_slices_that_jump_sideways_are_moved_back_or_refused(tmp_path: Path) -> None:
    aside = np.array([0, 5.0] * 6)  # two pixels to the left and back, again and again
    shifted(tmp_path / "a", aside)
    (series,) = accepted(tmp_path / "a")
    assert series.flags == ("shifted",)
    volume = load_volume(series)
    assert volume.hu.shape == (12, 32, 34)
    for number, move in enumerate((aside / 2.5).astype(int)):
        np.testing.assert_array_equal(volume.hu[number, :, move : move + 32], HU[number])
        assert volume.padding[number].sum() == 2 * 32
    shifted(tmp_path / "b", np.array([0, 60.0] * 6))
    assert codes(tmp_path / "b") == ["irregular-shift"]


def test_the_best_series_is_chosen_by_rule_and_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    wide = np.zeros((60, 128, 128), np.int16)
    series = {
        "thick": (wide[:12], 5.0, {"ConvolutionKernel": "LUNG"}),
        "thin": (wide, 1.0, {"ConvolutionKernel": "LUNG"}),
        "thinner": (wide, 0.99, {"ConvolutionKernel": "WHATEVER"}),
        "part": (wide[:20], 1.0, {"ConvolutionKernel": "LUNG"}),
        "lossy": (wide, 1.0, {"ConvolutionKernel": "LUNG", "LossyImageCompression": "01"}),
        "narrow": (wide, 1.0, {"ConvolutionKernel": "LUNG", "PixelSpacing": [1, 1]}),
    }
    for name, (hu, step, tags) in series.items():
        write_series(tmp_path / name, hu, heights=step * np.arange(len(hu)), **tags)
    found = accepted(tmp_path)
    with caplog.at_level(logging.INFO, "pneumofed.preprocessing"):
        best = choose_series(found)
    assert best.images[0].path.parent.name == "thin"
    assert best.flags == ("chosen",)
    assert choose_series(found[::-1]) == best
    assert [record.getMessage() for record in caplog.records][0] == (
        "6 series could be used; chose the one of 60 slices, 1 mm apart, kernel lung (no flags)"
    )
    assert choose_series(found[:1]) == found[0]


@pytest.mark.parametrize(
    ("kernel", "kind"),
    [
        ("B70f", "lung"), ("Bl57d", "lung"), ("Br40d\\3", "soft"), ("B30s", "soft"), ("LUNG", "lung"),
        ("STANDARD", "soft"), ("FC51", "lung"), ("FC08", "soft"), ("YA", "lung"), ("B", "soft"),
        ("BONEPLUS", "unknown"), ("", "unknown"),
    ],
)  # fmt: skip
def test_kernels_of_the_makers_are_known(tmp_path: Path, kernel: str, kind: str) -> None:
    write_series(tmp_path, HU, ConvolutionKernel=kernel)
    assert kernel_class(accepted(tmp_path)[0]) == kind
