"""What a coordinator proposes to a hospital, whole: its fingerprint is what the hospital approves.

Imports neither torch nor Flower, so that both of a hospital's zones can read it.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from shared_model.errors import PneumofedError
from shared_model.printable_text import PrintableText
from shared_model.settings_file import check_settings
from shared_model.study import StudyConfig

Purpose = Literal["train", "evaluate"]
PURPOSES: tuple[Purpose, ...] = ("train", "evaluate")

LONGEST_TEXT = 256 * 1024
BYTES_A_VALUE = 4  # float32
MOST_BYTES = 2**30
"""More than all arrays of both networks have, by far."""

ArrayName = Annotated[str, Field(pattern=r"^(diseased|covid)/[a-z0-9_]{1,40}(\.[a-z0-9_]{1,40}){0,5}$")]
Size = Annotated[int, Field(ge=1, le=2**24)]

_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
"""Digits that are told apart when they are read aloud (Crockford's base 32)."""


class Proposal(BaseModel):
    """A study, the arrays that will travel, the code that the coordinator pushes, and what for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    study: StudyConfig = Field(description="The configuration.")
    arrays: dict[ArrayName, Annotated[tuple[Size, ...], Field(max_length=8)]] = Field(
        min_length=1, max_length=1000, description="The architecture: name and shape of each float32 array."
    )
    code: str = Field(
        "",
        pattern=r"^([0-9a-f]{64})?$",
        description="SHA-256 of the app pushed to nodes; empty if none is.",
    )
    trained_on: PrintableText = Field(
        "", description="The coordinator's sentence on the data, which the model shows with every prediction."
    )
    purposes: tuple[Purpose, ...] = Field(
        PURPOSES, min_length=1, max_length=2, description="What the hospital's scans may be used for."
    )

    @model_validator(mode="after")
    def _arrays_fit(self) -> Self:
        if self.nbytes > MOST_BYTES:
            raise ValueError("the arrays are larger than those of any networks of ours")
        return self

    @classmethod
    def of(
        cls, study: StudyConfig, weights: Mapping[str, Any], *, code: str = "", trained_on: str = ""
    ) -> Self:
        """The proposal to run `study` from `weights` (anything with a shape, by name).

        Raises PneumofedError `proposal-invalid` with every problem named.
        """
        arrays = {name: tuple(int(n) for n in weights[name].shape) for name in sorted(weights)}
        document = {"study": study, "arrays": arrays, "code": code, "trained_on": trained_on}
        return check_settings(document, cls, name="the proposal", code="proposal-invalid")

    @property
    def fingerprint(self) -> str:
        """The first 80 bits of a SHA-256 over everything above, as four groups of four digits.

        People of the coordinator and of a hospital compare it by telephone: both see this one.
        """
        canonical = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        number = int.from_bytes(hashlib.sha256(canonical.encode()).digest()[:10], "big")
        digits = [_CROCKFORD[number >> shift & 31] for shift in range(75, -1, -5)]
        return "-".join("".join(digits[start : start + 4]) for start in range(0, 16, 4))

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


def as_fingerprint(typed: str) -> str:
    """A fingerprint as a person typed it: in capitals, without hyphens, with o or l for 0 or 1."""
    digits = typed.strip().lower().replace("-", "").replace(" ", "")
    digits = digits.translate(str.maketrans("oil", "011"))
    return "-".join(digits[start : start + 4] for start in range(0, len(digits), 4))
