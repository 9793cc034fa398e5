"""What another party wrote cannot do anything to the screen on which it is shown."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from shared_model.printable_text import PrintableName, PrintableText, escape

HOSTILE = ["\x1b[2J", "a\nb", "\r", "\x00", "\u202e", "\u2028", "\x9b2J", "\ufeff", " a", "a ", "\t"]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_screen_would_act_on_is_refused_in_a_setting(text: str) -> None:
    for kind in (PrintableName, PrintableText):
        with pytest.raises(ValidationError):
            TypeAdapter(kind).validate_python(text)


def test_names_have_a_length_and_any_script() -> None:
    name = TypeAdapter(PrintableName)
    assert name.validate_python("Lungenzüge 肺 2026") == "Lungenzüge 肺 2026"
    for text in ("", "a" * 81):
        with pytest.raises(ValidationError):
            name.validate_python(text)


@given(st.text())
def test_escaped_text_has_no_character_of_a_control_or_format_category(text: str) -> None:
    """Against Unicode's categories: C (other) and the separators of lines and paragraphs."""
    shown = escape(text)
    assert not any(unicodedata.category(char)[0] == "C" or char in "\u2028\u2029" for char in shown)
    plain = "".join(char for char in text if char.isprintable())
    assert escape(plain) == plain
