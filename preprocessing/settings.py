"""What a hospital may choose about preprocessing, and the fingerprint that keeps hospitals alike."""

import hashlib
import json
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

VERSION = 8  # raise it with every change that gives the same scan other lobes; a test notices


class PreprocessingSettings(BaseModel):
    """Settings of the way from DICOM to lobes; unknown names are refused."""

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
        """16 hex digits that differ whenever settings or the code's version give other lobes."""
        text = json.dumps({"version": VERSION, **self.model_dump()}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


DEFAULT_SETTINGS = PreprocessingSettings()
