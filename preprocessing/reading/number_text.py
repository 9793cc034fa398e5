"""Numbers as DICOM writes them in text (PS3.5 6.2, DS and IS), read strictly or leniently."""

import math
import re

_DECIMAL = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)


def strict_number(text: str) -> float:
    """The finite number that `text` is, without anything around it. Raises ValueError."""
    text = text.strip(" ")
    value = float(text) if _DECIMAL.fullmatch(text) else math.nan
    if not math.isfinite(value):
        raise ValueError("not a number")
    return value


def lenient_number(text: str) -> float | None:
    """The number at the start of an optional attribute's `text`; None if there is none.

    Units and further values after it are ignored, and a comma may stand for the point.
    """
    found = _DECIMAL.match(text.strip().replace(",", "."))
    value = float(found.group()) if found else math.nan
    return value if math.isfinite(value) else None
