"""The divisions of scans into subgroups of which figures may be told, and the parts of each."""

from collections.abc import Mapping
from typing import Literal

from shared_model.constants import MANUFACTURERS

Division = Literal["manufacturer", "slice-thickness"]

UNKNOWN = "unknown"
"""The part of scans whose header does not tell, and of patients with scans of several parts."""

PARTS: Mapping[Division, tuple[str, ...]] = {
    "manufacturer": (*MANUFACTURERS, UNKNOWN),
    "slice-thickness": ("thin", "medium", "thick", UNKNOWN),
}
"""In the order in which they are told (client/learning/subgroups.py)."""

DIVISION_WORDS: Mapping[Division, str] = {
    "manufacturer": "manufacturer of the scanner",
    "slice-thickness": "thickness of the slices",
}
PART_WORDS: Mapping[str, str] = {
    "ge": "GE",
    "siemens": "Siemens",
    "philips": "Philips",
    "canon": "Canon, Toshiba",
    "united-imaging": "United Imaging",
    "other": "other manufacturers",
    "thin": "below 2 mm",
    "medium": "2 to below 5 mm",
    "thick": "5 mm and more",
    UNKNOWN: "not known, or several",
}

THIN_BELOW_MM, THICK_FROM_MM = 2.0, 5.0


def thickness_part(thickness_mm: float | None) -> str:
    """The part of "slice-thickness" of scans with such slices; None: not known."""
    if thickness_mm is None:
        return UNKNOWN
    if thickness_mm < THIN_BELOW_MM:
        return "thin"
    return "medium" if thickness_mm < THICK_FROM_MM else "thick"


def least_of_last_part(floor: int) -> int:
    """The fewest patients of a class that are told under a part with fewer than `floor` of others."""
    return 2 * floor if floor > 1 else 1
