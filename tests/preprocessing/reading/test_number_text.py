"""Numbers of DICOM's text representations, strict and lenient."""

import pytest

from preprocessing.reading.number_text import lenient_number, strict_number


@pytest.mark.parametrize(("text", "value"), [("-1024", -1024), (" 1.5e2 ", 150), (".5", 0.5), ("+3.", 3)])
def test_what_ds_and_is_allow_is_a_number(text: str, value: float) -> None:
    assert strict_number(text) == value


@pytest.mark.parametrize("text", ["1_0", "nan", "inf", "1e999", "", "6,0", "6 mm", "0x10", "1e", "\u0661"])
def test_nothing_else_is(text: str) -> None:
    with pytest.raises(ValueError):
        strict_number(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("6,0", 6),
        ("150 mAs", 150),
        ("6.0\\7.0", 6),
        ("-1.5e1x", -15),
        ("", None),
        ("thin", None),
        ("1e999", None),
    ],
)
def test_an_optional_number_is_what_the_text_begins_with(text: str, value: float | None) -> None:
    assert lenient_number(text) == value
