"""One series that mixes reconstructions is split, duplicates are removed, conflicts are refused."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import generate_uid

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
