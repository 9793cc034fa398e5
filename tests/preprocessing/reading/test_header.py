"""The header of one file: which objects are refused, by which code, and which flags a usable slice gets."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag
from pydicom.uid import generate_uid

from preprocessing.reading.series import find_series
from tests.support.chests import chest, write_series
from tests.support.dicom_edits import load
from tests.support.found_series import accepted_series, refusal_codes

HU, _ = chest(12, 32)
OTHER, _ = chest(12, 32, seed=5)


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
    assert [one.flags for one in accepted_series(tmp_path)] == [flags]


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
    assert refusal_codes(tmp_path) == [code]


def set_raw(path: Path, keyword: str, value: bytes, vr: str) -> None:
    """Put `value` as it is, under any VR, into the file at `path`."""
    data = dcmread(path)
    tag = Tag(keyword)
    data._dict[tag] = RawDataElement(tag, vr, len(value), value, 0, False, True)  # type: ignore[index]
    data.save_as(path)


@pytest.mark.parametrize(
    ("keyword", "value", "vr", "flags"),
    [
        ("SliceThickness", b"6,0 ", "DS", ()),
        ("SliceThickness", b"6.0\\6.0 ", "DS", ()),
        ("SliceThickness", b"thin", "DS", ()),
        ("SliceThickness", b"-6", "DS", ()),
        ("Exposure", b"62,5", "IS", ()),
        ("Exposure", b"20 mAs", "IS", ("low-dose",)),
        ("CTDIvol", b"2.5 ", "DS", ("low-dose",)),
        ("CTDIvol", b"\0\0\0\x40", "FL", ("low-dose",)),
        ("CTDIvol", b"\0\0", "US", ()),
        ("PixelPaddingValue", b"-2000 ", "IS", ()),
        ("PixelPaddingValue", b"\x30", "UN", ()),
        ("NumberOfFrames", b"1 frame ", "LO", ()),
        ("ReconstructionDiameter", b"n/a ", "DS", ()),
        ("ContrastBolusAgent", b"x" * 6000, "LT", ()),
        ("AcquisitionNumber", b"one ", "IS", ()),
    ],
    ids=str,
)
def test_a_malformed_optional_attribute_costs_nothing(
    tmp_path: Path, keyword: str, value: bytes, vr: str, flags: tuple[str, ...]
) -> None:
    for path in write_series(tmp_path, HU):
        set_raw(path, keyword, value, vr)
    hu, _, found = load(tmp_path)
    assert found == flags
    np.testing.assert_array_equal(hu, HU)


@pytest.mark.parametrize("kind", ["PALETTE COLOR", "RGB", "YBR_FULL", "HSV", "CMYK"])
def test_colour_is_refused_whatever_the_samples(tmp_path: Path, kind: str) -> None:
    write_series(tmp_path, HU, PhotometricInterpretation=kind)
    assert refusal_codes(tmp_path) == ["colour"]


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("ELECTRON_DENSITY", "not-hounsfield"),
        ("EFF_ATOMIC_NUM", "not-hounsfield"),
        ("MAT_SPECIFIC", "not-hounsfield"),
    ],
)
def test_maps_of_a_spectral_scanner_are_no_hu(tmp_path: Path, kind: str, code: str) -> None:
    write_series(tmp_path, HU, ImageType=["ORIGINAL", "PRIMARY", "AXIAL", kind], RescaleType="HU")
    assert refusal_codes(tmp_path) == [code]
    (tmp_path / "b").mkdir()
    description = kind.replace("_", " ").title()
    if kind == "ELECTRON_DENSITY":
        write_series(tmp_path / "b", HU, SeriesDescription=f"Chest {description}")
        assert refusal_codes(tmp_path / "b") == [code]
