"""One series that mixes reconstructions is split, duplicates are removed, conflicts are refused."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import generate_uid

from preprocessing.reading.series import find_series
from preprocessing.reading.volume import load_volume
from tests.support.chests import chest, write_series
from tests.support.found_series import accepted_series, refusal_codes

HU, _ = chest(12, 32)
OTHER, _ = chest(12, 32, seed=5)


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
    found = accepted_series(tmp_path)
    assert [one.flags for one in found] == [("split-series",)] * 2
    volumes = [load_volume(one).hu for one in found]
    assert any((volume == HU).all() for volume in volumes)
    assert any((volume == OTHER).all() for volume in volumes)


PASSES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "acquisition": ({"AcquisitionNumber": 1}, {"AcquisitionNumber": 2}),
    "phase": ({"TemporalPositionIdentifier": 1}, {"TemporalPositionIdentifier": 2}),
    "trigger": ({"TriggerTime": "350"}, {"TriggerTime": "700"}),
    "cardiac": ({"NominalPercentageOfCardiacPhase": 40.0}, {"NominalPercentageOfCardiacPhase": 75.0}),
    "time": ({"ContentTime": "101500"}, {"ContentTime": "101700"}),
    "kernel": ({"ConvolutionKernel": "B30f"}, {"ConvolutionKernel": "B70f"}),
    "energy": ({"KVP": 80}, {"KVP": 140}),
}


def write_passes(folder: Path, mark: str, shift_mm: float) -> None:
    uid = generate_uid()
    heights = 6.0 * np.arange(12)
    for name, hu, tags, start in zip("ab", (HU, OTHER), PASSES[mark], (0.0, shift_mm), strict=True):
        write_series(folder / name, hu, series_uid=uid, heights=heights + start, **tags)


@pytest.mark.parametrize("shift_mm", [0.0, 2.0, 3.0], ids=["same", "offset", "interleaved"])
@pytest.mark.parametrize("mark", PASSES)
def test_two_passes_over_one_range_are_split(tmp_path: Path, mark: str, shift_mm: float) -> None:
    write_passes(tmp_path, mark, shift_mm)
    found = accepted_series(tmp_path)
    assert [(one.flags, one.slices, one.spacing_mm[0]) for one in found] == [(("split-series",), 12, 6.0)] * 2
    volumes = [load_volume(one).hu for one in found]
    assert any((volume == HU).all() for volume in volumes) and any(
        (volume == OTHER).all() for volume in volumes
    )


@pytest.mark.parametrize("shift_mm", [0.0, 2.0], ids=["same", "offset"])
@pytest.mark.parametrize("mark", ["AcquisitionNumber", "AcquisitionTime"])
def test_passes_that_count_on_are_split(tmp_path: Path, mark: str, shift_mm: float) -> None:
    uid = generate_uid()
    for number, hu in enumerate((HU, OTHER)):
        paths = write_series(tmp_path / str(number), hu, series_uid=uid,
                             heights=6.0 * np.arange(12) + number * shift_mm)  # fmt: skip
        for path in paths:
            data = dcmread(path)
            place = int(round((data.ImagePositionPatient[2] - number * shift_mm) / 6)) + 12 * number
            setattr(data, mark, str(1 + place) if mark == "AcquisitionNumber" else f"1015{10 + place}")
            data.save_as(path)
    assert [one.slices for one in accepted_series(tmp_path)] == [12, 12]


def test_two_kernels_of_two_phases_are_four_series(tmp_path: Path) -> None:
    uid = generate_uid()
    for seed, (kernel, phase) in enumerate(
        (kernel, phase) for kernel in ("B30f", "B70f") for phase in (1, 2)
    ):
        write_series(tmp_path / str(seed), chest(12, 32, seed=seed)[0], series_uid=uid,
                     ConvolutionKernel=kernel, TemporalPositionIdentifier=phase)  # fmt: skip
    assert [one.slices for one in accepted_series(tmp_path)] == [12] * 4


def test_offset_passes_that_nothing_tells_apart_are_named(tmp_path: Path) -> None:
    uid = generate_uid()
    write_series(tmp_path / "a", HU, series_uid=uid)
    write_series(tmp_path / "b", OTHER, series_uid=uid, heights=6.0 * np.arange(12) + 1.5)
    assert refusal_codes(tmp_path) == ["interleaved-stacks"]


@pytest.mark.parametrize(
    ("places", "tags"),
    [
        ((5,), {"SliceThickness": None}),
        ((0, 11), {"SliceThickness": "6.2"}),
        ((5,), {"ConvolutionKernel": None}),
        ((5,), {"ConvolutionKernel": "B70f"}),
        ((0,), {"PixelSpacing": [2.51, 2.51]}),
        ((5,), {"AcquisitionNumber": "7"}),
        ((1, 3, 5, 7, 9, 11), {"SliceThickness": None}),
        ((6, 7, 8, 9, 10, 11), {"ConvolutionKernel": "B70f"}),
        ((3, 4), {"ImageType": ["ORIGINAL", "PRIMARY", "AXIAL", "X"]}),
    ],
)
def test_optional_attributes_never_split_a_complete_stack(
    tmp_path: Path, places: tuple[int, ...], tags: dict[str, Any]
) -> None:
    paths = write_series(tmp_path, HU, series_uid=generate_uid(), SliceThickness="6.0", AcquisitionNumber="1")
    for path in paths:
        data = dcmread(path)
        if round(data.ImagePositionPatient[2] / 6) in places:
            for keyword, value in tags.items():
                if value is None:
                    delattr(data, keyword)
                else:
                    setattr(data, keyword, value)
            data.save_as(path)
    (series,) = accepted_series(tmp_path)
    assert (series.slices, series.spacing_mm) == (12, (6.0, 2.5, 2.5))
    assert not set(series.flags) - {"mixed-kernels"}
    np.testing.assert_array_equal(load_volume(series).hu, HU)


@pytest.mark.parametrize("how", ["far", "kernel-and-place", "matrix"])
def test_an_image_that_is_no_part_of_the_stack_is_set_aside(tmp_path: Path, how: str) -> None:
    uid = generate_uid()
    write_series(tmp_path / "a", HU, series_uid=uid, AcquisitionNumber=2)
    heights = np.array([900.0 if how == "far" else 30.0])
    odd = np.zeros((1, 40, 40), np.int16) if how == "matrix" else OTHER[:1]
    write_series(tmp_path / "b", odd, series_uid=uid, heights=heights, AcquisitionNumber=1)
    report = find_series(tmp_path)
    ((series,), (refusal,)) = report.accepted, report.refused
    assert (series.slices, series.flags) == (12, ("stray-slices",))
    assert (refusal.code, refusal.kind, Path(refusal.where).parent.name) == ("stray-slice", "file", "b")
    np.testing.assert_array_equal(load_volume(series).hu, HU)


def test_two_reconstructions_that_nothing_tells_apart_are_refused(tmp_path: Path) -> None:
    uid = generate_uid()
    write_series(tmp_path / "a", HU, series_uid=uid)
    write_series(tmp_path / "b", OTHER, series_uid=uid)
    assert refusal_codes(tmp_path) == ["duplicate-conflict"]


def test_a_folder_copied_twice_is_one_series(tmp_path: Path) -> None:
    write_series(tmp_path / "a", HU)
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    (series,) = accepted_series(tmp_path)
    assert (series.slices, series.flags) == (12, ("duplicates",))
    np.testing.assert_array_equal(load_volume(series).hu, HU)


def test_a_slice_sent_twice_under_two_uids_is_one(tmp_path: Path) -> None:
    paths = write_series(tmp_path, HU, series_uid=generate_uid())
    data = dcmread(paths[4])
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    data.save_as(tmp_path / "again")
    (series,) = accepted_series(tmp_path)
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
    assert refusal_codes(tmp_path) == ["duplicate-conflict"]
