"""Values of the audit log as people read them."""

from typing import Any

import pytest

from deploy.commands.json_words import in_words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"diseased": 4, "covid": 0.6926413198}, "(diseased 4, covid 0.6926)"),
        ([1, "a", {}], "(1, a, ())"),
        (None, "none"),
        (True, "yes"),
        (False, "no"),
        (0, "0"),
        (1, "1"),
        ("", ""),
        (1200000000, "1200000000"),
    ],
)
def test_values(value: Any, words: str) -> None:
    assert in_words(value) == words
