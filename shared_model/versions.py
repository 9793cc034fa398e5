"""Which versions each party runs, as hospitals tell them in their description: for people to compare.

Only the protocol must be the same (bundle.py), and the preprocessing that a study names (its fingerprint).
What each number means: docs/upgrading.md.
"""

import re
from collections.abc import Mapping
from importlib.metadata import version

TRAINER, NODE, FLWR, PROTOCOL_NUMBER = "trainer", "node", "flwr", "protocol"
PREPROCESSING, KIT, CERTIFICATE_UNTIL = "preprocessing", "kit", "certificate-until"

NAMES = (TRAINER, NODE, FLWR, PROTOCOL_NUMBER, PREPROCESSING, KIT, CERTIFICATE_UNTIL)
"""trainer, node: this package's version in each zone; certificate-until: the hospital's, as a date."""

Versions = Mapping[str, str]
"""By one of NAMES; what is not known is not there."""

LATEST_KIT = 1
"""Rises with every change of a kit's files that a hospital has to take over. Kits before 1 have none."""


def package_version() -> str:
    """Of pneumofed, as it is installed."""
    return version("pneumofed")


def are_versions(value: object) -> bool:
    """Whether `value` is a dict of Versions: short words of letters, digits and `.+-`."""
    return isinstance(value, dict) and all(
        name in NAMES and isinstance(text, str) and re.fullmatch(r"[0-9A-Za-z][0-9A-Za-z.+-]{0,39}", text)
        for name, text in value.items()
    )
