"""The manufacturer of a scanner as one of a few words: the header's free text can hold anything."""

import re

_WORDS = {
    "ge": r"\bGE\b|GENERAL ELECTRIC",
    "siemens": "SIEMENS",
    "philips": "PHILIPS",
    "canon": "CANON|TOSHIBA",
    "united-imaging": r"UNITED IMAGING|\bUIH\b",
}


def manufacturer_of(text: str) -> str | None:
    """One of constants.MANUFACTURERS for the text of Manufacturer (PS3.3 C.7.5.1); None if it is empty."""
    named = re.sub(r"[\s_]+", " ", text.upper()).strip()
    if not named:
        return None
    return next((word for word, pattern in _WORDS.items() if re.search(pattern, named)), "other")
