"""JSON of another party against the standard library's reader, and what is refused before it is read."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared_model.bounded_json import LONGEST_TEXT, MOST_CONTAINERS, parse_bounded

leaves = st.none() | st.booleans() | st.integers(-(10**13), 10**14) | st.text(max_size=5)
documents = st.recursive(
    leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=9
)


@given(documents)
def test_what_is_small_enough_is_read_as_the_standard_library_reads_it(document: object) -> None:
    text = json.dumps(document)
    if text.count("{") + text.count("[") <= MOST_CONTAINERS:
        assert parse_bounded(text) == json.loads(text) == document


@pytest.mark.parametrize(
    "text",
    [
        "[" * 10**5,
        "[" * 100_000 + "]" * 100_000,
        '{"a":' * 1000 + "1" + "}" * 1000,
        '["]]]]]]]]]]", ' + "[" * 5000,
        "1e999", "-1e999", "1.5", "NaN", "Infinity", "-Infinity",
        "1" + "0" * 30, "1" * 5000, "-1000000000000000",
        '{"a": 1, "a": 2}', '{"b": {"a": 1, "a": 1}}',
        " " * (LONGEST_TEXT + 1), "", "{", "nul", '"\ud800'
    ],
    ids=lambda text: text[:20],
)  # fmt: skip
def test_what_is_too_deep_too_long_or_no_whole_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_bounded(text)


@pytest.mark.parametrize("value", [None, b"{}", 1, ["{}"], {}])
def test_only_texts_are_read(value: object) -> None:
    with pytest.raises(ValueError):
        parse_bounded(value)


@given(st.text())
def test_no_text_raises_anything_but_a_value_error(text: str) -> None:
    with suppress(ValueError):
        parse_bounded(text)
