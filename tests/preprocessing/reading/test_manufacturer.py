"""The words that stand for manufacturers, and nothing else of the header's text."""

import pytest

from preprocessing.reading.manufacturer import manufacturer_of
from shared_model.constants import MANUFACTURERS


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("GE MEDICAL SYSTEMS", "ge"), ("GE Healthcare", "ge"), ("SIEMENS", "siemens"),
        ("Siemens Healthineers", "siemens"), ("Philips Medical  Systems", "philips"), ("TOSHIBA", "canon"),
        ("CANON_MEC", "canon"), ("UIH", "united-imaging"), ("United_Imaging", "united-imaging"),
        ("NMS-Neusoft", "other"), ("GENERIC", "other"), ("St. Mary's Hospital, Dr. Doe", "other"),
        ("", None), ("  ", None),
    ],
)  # fmt: skip
def test_a_header_s_text_becomes_one_of_a_few_words(text: str, word: str | None) -> None:
    assert manufacturer_of(text) == word
    assert word is None or word in MANUFACTURERS
