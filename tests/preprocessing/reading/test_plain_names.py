"""Names that a person would call the same compare equal, and all can be shown."""

import os
import unicodedata

from preprocessing.reading.plain_names import comparable, printable


def test_the_same_name_in_other_bytes_is_the_same() -> None:
    name = "M\u00fcller"
    assert comparable(unicodedata.normalize("NFD", name)) == comparable(f" {name} ") == name
    assert comparable(os.fsdecode(name.encode("cp1252"))) == name
    assert comparable("a") != comparable("b")


def test_what_a_terminal_cannot_show_is_escaped() -> None:
    assert printable("M\u00fcller [1].txt") == "M\u00fcller [1].txt"
    assert printable(os.fsdecode(b"\xe9\x1b[2J")) == "\\xe9\\x1b[2J"
