"""Geometry and rescale attributes are parsed, or refused by code."""

import pytest

from preprocessing.reading.ct_slice import parse_plane, parse_rescale
from preprocessing.reading.refusals import FileRefusedError

POSITION, AXIAL, SPACING = ("-10", "20.5", "3e1"), (1, 0, 0, 0, 1, 0), (0.5, 0.75)


def test_a_plane_keeps_its_attributes() -> None:
    plane = parse_plane(POSITION, AXIAL, SPACING)
    assert plane.position_mm == (-10, 20.5, 30)
    assert (plane.along_row, plane.along_column) == ((1, 0, 0), (0, 1, 0))
    assert (plane.spacing_mm, plane.height_mm) == ((0.5, 0.75), 30)


@pytest.mark.parametrize(
    ("code", "position", "orientation", "spacing"),
    [
        ("no-geometry", (), AXIAL, SPACING),
        ("no-geometry", ("1", "2", "nan"), AXIAL, SPACING),
        ("no-geometry", POSITION, (1, 0, 0, 0, 1), SPACING),
        ("no-geometry", POSITION, (1, 0, 0, 0.5, 1, 0), SPACING),  # not perpendicular
        ("no-geometry", POSITION, (2, 0, 0, 0, 1, 0), SPACING),  # not of unit length
        ("no-geometry", POSITION, AXIAL, ("0.5", "wide")),
        ("not-axial", POSITION, (1, 0, 0, 0, 0, -1), SPACING),
        ("odd-pixels", POSITION, AXIAL, (0.04, 0.04)),
        ("odd-pixels", POSITION, AXIAL, (5.1, 5)),
        ("odd-pixels", POSITION, AXIAL, (0.5, 2.1)),
    ],
)
def test_a_plane_that_is_no_axial_ct_slice_is_refused(
    code: str, position: tuple[object, ...], orientation: tuple[object, ...], spacing: tuple[object, ...]
) -> None:
    with pytest.raises(FileRefusedError) as refusal:
        parse_plane(position, orientation, spacing)
    assert refusal.value.code == code


@pytest.mark.parametrize("unit", ["", "HU", "hu", "US"])
def test_rescale_attributes_are_numbers(unit: str) -> None:
    assert parse_rescale("0.5", "-1024", unit) == (0.5, -1024)


@pytest.mark.parametrize(
    ("code", "slope", "intercept", "unit"),
    [
        ("no-rescale", "", "-1024", "HU"),
        ("no-rescale", "1", None, "HU"),
        ("no-rescale", "0", "0", "HU"),
        ("no-rescale", "inf", "0", "HU"),
        ("not-hounsfield", "1", "0", "Z_EFF"),
    ],
)
def test_a_rescale_without_hu_is_refused(code: str, slope: object, intercept: object, unit: str) -> None:
    with pytest.raises(FileRefusedError) as refusal:
        parse_rescale(slope, intercept, unit)
    assert refusal.value.code == code


@pytest.mark.parametrize(
    ("slope", "intercept"),
    [("1_0", "0"), ("1e-320", "0"), ("0", "0"), ("1", "-3e9"), ("1", "1000000000"), ("1e9", "0"),
     ("1,0", "0"), ("1", "-1024 HU"), ("1\\1", "0")],
)  # fmt: skip
def test_rescale_that_no_ct_has_is_refused(slope: str, intercept: str) -> None:
    with pytest.raises(FileRefusedError) as refusal:
        parse_rescale(slope, intercept, "HU")
    assert refusal.value.code == "no-rescale"


@pytest.mark.parametrize("height", ["1e300", "1_0", "-2e5", "6,0"])
def test_a_position_in_no_scanner_is_refused(height: str) -> None:
    with pytest.raises(FileRefusedError) as refusal:
        parse_plane(("0", "0", height), AXIAL, SPACING)
    assert refusal.value.code == "no-geometry"
