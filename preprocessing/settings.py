"""Settings of preprocessing, and the fingerprint by which hospitals agree on them."""

import hashlib
import json
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

VERSION = 9  # raise it with every change of the lobes of a scan; a test checks this


class PreprocessingSettings(BaseModel):
    """Settings of preprocessing, from DICOM to lobes; unknown names are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lobes: Literal["consistent", "paper"] = Field(
        default="consistent",
        description="How lobes are found: each slice alone as in 2.3, or consistently over the scan.",
    )
    breath: Literal["even", "paper"] = Field(
        default="even",
        description="Grey values of the lobes: every scan's normal lung brought to one, and what is denser "
        "may be infected; or as 2.2 leaves them, and the bounds of 2.7.2.",
    )

    @property
    def fingerprint(self) -> str:
        """16 hex digits: a hash of settings and VERSION."""
        text = json.dumps({"version": VERSION, **self.model_dump()}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


DEFAULT_SETTINGS = PreprocessingSettings()
PAPER_SETTINGS = PreprocessingSettings(lobes="paper", breath="paper")
"""The rules of 2.2, 2.3 and 2.7.2 to the letter."""

SETTINGS = {"default": DEFAULT_SETTINGS, "paper": PAPER_SETTINGS}
"""By the names that `hospital prepare --settings` takes."""
