"""What a coordinator proposes to a hospital, whole: its fingerprint is what the hospital approves.

Imports neither torch nor Flower, so that both of a hospital's zones can read it.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared_model.errors import PneumofedError
from shared_model.study import StudyConfig

Purpose = Literal["train", "evaluate"]
PURPOSES: tuple[Purpose, ...] = ("train", "evaluate")

LONGEST_TEXT = 256 * 1024
BYTES_A_VALUE = 4  # float32


class Proposal(BaseModel):
    """A study, the arrays that will travel, and what for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    study: StudyConfig = Field(description="The configuration.")
    arrays: dict[str, tuple[int, ...]] = Field(
        min_length=1, description="The architecture: name and shape of each float32 array."
    )
    purposes: tuple[Purpose, ...] = Field(
        PURPOSES, min_length=1, description="What the hospital's scans may be used for."
    )

    @classmethod
    def of(cls, study: StudyConfig, weights: Mapping[str, Any]) -> Self:
        """The proposal to run `study` from `weights` (anything with a shape, by name)."""
        arrays = {name: tuple(int(n) for n in weights[name].shape) for name in sorted(weights)}
        return cls(study=study, arrays=arrays)

    @property
    def fingerprint(self) -> str:
        """SHA-256 over everything above, first 16 hex digits."""
        canonical = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays: what travels to a hospital in each task, and at most comes back."""
        return BYTES_A_VALUE * sum(math.prod(shape) for shape in self.arrays.values())

    def to_text(self) -> str:
        return self.model_dump_json()

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Inverse of `to_text`. Raises PneumofedError `proposal-unreadable` for anything else."""
        try:
            if len(text) > LONGEST_TEXT:
                raise ValueError("too long")
            return cls.model_validate_json(text)
        except (ValidationError, ValueError, TypeError):
            raise PneumofedError(
                "proposal-unreadable",
                "the study that the coordinator proposes cannot be read; both need the same version",
            ) from None
