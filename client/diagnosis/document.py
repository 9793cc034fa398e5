"""The types of `diagnosis.json`; docs/reference/diagnosis.schema.json is their JSON Schema.

A figure that is undefined is null, and `undefined` beside it says why; `undefined` is absent otherwise.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from client.diagnosis.result_names import DOCUMENT
from shared_model.constants import Label, Task
from shared_model.model_quality import ModelQuality
from shared_model.saved_model import Temperature

Probability = Annotated[float, Field(ge=0, le=1)]
Volume = Annotated[float, Field(ge=0)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class LimitPart(_Part):
    """One thing that limits the verdict."""

    code: str = Field(description="Stable, for machines; a flag of the lungs has the flag's name.")
    words: str = Field(description="A clause of the verdict's sentence.")


class ScorePart(_Part):
    """One network's decision on the scan (2.6)."""

    probability: Probability = Field(description="Calibrated by the model's temperature, 0 to 1.")
    operating_point: Probability = Field(
        description="The calibrated probability from which on the scan is positive, 0 to 1."
    )
    positive: bool = Field(description="Whether it is; does not depend on the temperature.")


class FigurePart(_Part):
    """A figure by which the scan is decided."""

    name: str = Field(description="Its name.")
    unit: str = Field(description="Of `value`.")
    meaning: str = Field(description="What it measures, in a sentence.")
    value: float = Field(description="In `unit`.")
    adds: dict[Task, float] = Field(
        description="What it adds to each network's logit, before calibration; together they are the logit."
    )


class InfectedPart(_Part):
    """Infected and whole volume of a lung, or of both (2.8)."""

    percent: Annotated[float, Field(ge=0, le=100)] | None = Field(description="Infected share, in percent.")
    infected_ml: Volume | None = Field(description="Infected volume, in ml.")
    lung_ml: Volume | None = Field(description="Volume of the lung, air included, in ml.")
    undefined: str | None = Field(None, description="Why these are null.")


class InfectedParts(_Part):
    """Each lung, and both."""

    right: InfectedPart = Field(description="The patient's right lung.")
    left: InfectedPart = Field(description="The patient's left lung.")
    all: InfectedPart = Field(description="Both lungs.")


class WorstSlicePart(_Part):
    """A slice to look at first."""

    rank: int = Field(ge=1, description="1 is the first to look at.")
    slice: int = Field(ge=0, description="Index into `slices`.")
    z_mm: float = Field(description="Height in the scan's own coordinates, in mm.")
    score_ml: Volume = Field(
        description="Sum over its lobes of softened probability x infected volume, in ml."
    )
    picture: str = Field(description="File beside this document.")


class SidePart(_Part):
    """One lung in one slice (a lobe in the paper's words)."""

    raw_probability: Probability | None = Field(
        description="Of disease, by this lobe alone, before its neighbours soften it (eq. 2), 0 to 1."
    )
    probability: Probability | None = Field(description="Of disease, softened by eq. 2, 0 to 1.")
    raw_covid_probability: Probability | None = Field(
        description="Of COVID-19 if diseased, by this lobe alone, 0 to 1."
    )
    covid_probability: Probability | None = Field(
        description="Of COVID-19 if diseased, softened by eq. 2, 0 to 1."
    )
    infected_ml: Volume | None = Field(description="Infected volume, in ml.")
    lung_ml: Volume | None = Field(description="Volume of the lung in this slice, in ml.")
    undefined: str | None = Field(None, description="Why these are null.")


class SlicePart(_Part):
    """One slice."""

    z_mm: float = Field(description="Height in the scan's own coordinates, in mm.")
    right: SidePart = Field(description="The patient's right lung.")
    left: SidePart = Field(description="The patient's left lung.")


class ModelPart(_Part):
    """The model, from its card."""

    study: str = Field(description="Name of the study that trained it.")
    study_fingerprint: str = Field(description="Of all settings of the study.")
    preprocessing: str = Field(description="Fingerprint of the preprocessing, of the model and of this scan.")
    weights_sha256: str = Field(description="Fingerprint of the weights.")
    card_sha256: str = Field(description="Fingerprint of the model's card, model.json.")
    trained_on: str = Field(description="One sentence on the training data.")
    best_rounds: dict[str, int] = Field(description="Round kept, by 'stage/network'.")
    temperature: Temperature = Field(description="What logits are divided by, per network.")
    quality: ModelQuality | None = Field(
        description="Within-hospital AUC of both networks; null: nothing is known of the model's quality."
    )


class TimingPart(_Part):
    """Wall time of the stages."""

    read_headers_s: float | None = Field(None, ge=0, description="Finding and choosing the series, in s.")
    preprocessing_s: float = Field(ge=0, description="Reading pixels, lungs, crops, in s.")
    networks_s: float = Field(ge=0, description="Both networks over all lobes, in s.")


class DiagnosisDocument(_Part):
    """The whole document."""

    format: Literal[2] = Field(description="Version of this format.")
    warning: str = Field(description="That this is not a medical device, and what the model was trained on.")
    verdict: str = Field(description="What the scan is called and all that limits that, in one sentence.")
    label: Label = Field(description="What the scan is called, as a code.")
    uncertain: bool = Field(
        description="Whether a decision that the verdict rests on has less than four chances in five."
    )
    research_use_only: bool = Field(
        description="Whether the model is not known to be better than chance, or was trained on phantoms."
    )
    limits: list[LimitPart] = Field(description="What limits the verdict, in the order of its sentence.")
    explanation: str = Field(description="Why the scan is called so, in sentences.")
    diseased: ScorePart = Field(description="Diseased or healthy.")
    covid: ScorePart = Field(description="COVID-19 or other pneumonia, if diseased; given for all scans.")
    scan_figures: list[FigurePart] = Field(
        description="The figures by which the scan is decided; empty if its lobes decide (eq. 2)."
    )
    infected: InfectedParts = Field(description="Infected volume and share.")
    worst_slices: list[WorstSlicePart] = Field(description="The slices to look at first, worst first.")
    slices: list[SlicePart] = Field(description="All slices, feet first.")
    spacing_mm: tuple[float, float, float] = Field(description="Between slices, rows, columns, in mm.")
    flags: list[str] = Field(description="What was unusual about the series; docs/reading.md lists them.")
    model: ModelPart = Field(description="The model.")
    files_sha256: str | None = Field(
        description="Of names, sizes and times of the study's files, by which a later call sees whether they "
        "are the same; null if the scan was not read from a folder."
    )
    timing: TimingPart | None = Field(description="How long it took; null if it was not measured.")


def read_diagnosis(out: Path) -> DiagnosisDocument | None:
    """The document of the diagnosis in `out`; None if there is none, or none of this version's format."""
    try:
        return DiagnosisDocument.model_validate_json((out / DOCUMENT).read_bytes())
    except (OSError, ValidationError):
        return None
