"""JSON from another party: its length, nesting and numbers are bounded before anything is built from it."""

import json
from typing import Any, NoReturn

LONGEST_TEXT = 1024 * 1024
"""Characters; scores in every bin of all classes need about 90,000, in an evaluation and each subgroup."""

MOST_CONTAINERS = 128
"""Objects and lists in one text, so nothing is nested deeper; an evaluation has about 20 objects, and 13 more
for each subgroup."""

LONGEST_NUMBER = 15
"""Digits of a number with its sign: less than 2^53, exact in every reader."""


def parse_bounded(text: object) -> Any:
    """The document in `text`: objects, lists, strings, booleans, null and whole numbers.

    Raises ValueError for anything else: no JSON, longer than LONGEST_TEXT, more than MOST_CONTAINERS objects
    and lists, a number with a fraction, not finite or longer than LONGEST_NUMBER, a name that is there twice.
    """
    if not isinstance(text, str) or len(text) > LONGEST_TEXT:
        raise ValueError(f"not a text of at most {LONGEST_TEXT} characters")
    if text.count("{") + text.count("[") > MOST_CONTAINERS:
        raise ValueError(f"more than {MOST_CONTAINERS} objects and lists")
    return json.loads(
        text,
        parse_int=_whole_number,
        parse_float=_no_number,
        parse_constant=_no_number,
        object_pairs_hook=_object,
    )


def _whole_number(digits: str) -> int:
    if len(digits) > LONGEST_NUMBER:
        raise ValueError(f"a number has more than {LONGEST_NUMBER} digits")
    return int(digits)


def _no_number(text: str) -> NoReturn:
    raise ValueError("a number is not whole, or not finite")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object has a name twice")
    return found
