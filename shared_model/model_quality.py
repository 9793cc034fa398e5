"""What is known of how well a model tells scans apart, kept on its card."""

import re
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared_model.constants import Task

Scans = Literal["validation", "test", "held_out"]
"""Validation and test scans of the hospitals that trained; all scans of held-out hospitals."""
SCANS: tuple[Scans, ...] = ("validation", "test", "held_out")

CHANCE = 0.5
"""The AUC of guessing."""


class MeasuredAuc(BaseModel):
    """A within-hospital AUC; `low` and `high` are its 95 % interval, null if it has none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float = Field(ge=0, le=1, description="The area.")
    low: float | None = Field(None, ge=0, le=1, description="Lower bound of its 95 % interval.")
    high: float | None = Field(None, ge=0, le=1, description="Upper bound of its 95 % interval.")


class TaskQuality(BaseModel):
    """One network's within-hospital AUC on each kind of scans; null if it is undefined."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    validation: MeasuredAuc | None = Field(None, description="On the scans that chose the round; optimistic.")
    test: MeasuredAuc | None = Field(None, description="On test scans of the hospitals that trained.")
    held_out: MeasuredAuc | None = Field(None, description="At hospitals that never trained.")
    undefined: dict[Scans, str] = Field(
        default_factory=dict, description="Why an area, or its interval, is undefined."
    )

    @model_validator(mode="after")
    def _reasons(self) -> Self:
        for scans in SCANS:
            area: MeasuredAuc | None = getattr(self, scans)
            if (area is None or area.low is None) and scans not in self.undefined:
                raise ValueError(f"undefined lacks the reason of {scans!r}; add it")
        return self

    @property
    def judged_by(self) -> Scans | None:
        """The scans whose interval says most of another hospital; None if no interval is known."""
        for scans in ("held_out", "test"):
            area: MeasuredAuc | None = getattr(self, scans)
            if area is not None and area.low is not None:
                return "held_out" if scans == "held_out" else "test"
        return None

    @property
    def is_near_chance(self) -> bool:
        """Whether the measured interval reaches down to chance, or no interval is known."""
        if self.judged_by is None:
            return True
        area: MeasuredAuc = getattr(self, self.judged_by)
        return area.low is None or area.low <= CHANCE


class ModelQuality(BaseModel):
    """The within-hospital AUCs of both networks."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    diseased: TaskQuality = Field(description="Diseased or healthy.")
    covid: TaskQuality = Field(description="COVID-19 or other pneumonia.")

    def of(self, task: Task) -> TaskQuality:
        return self.diseased if task == "diseased" else self.covid


def names_phantoms(trained_on: str) -> bool:
    """Whether a sentence on a model's data says that it is phantoms."""
    return re.search(r"\bphantoms?\b", trained_on, re.IGNORECASE) is not None
