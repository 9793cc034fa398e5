"""A trained model on disk: weights as safetensors, its model card as JSON. Never pickle."""

import hashlib
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load, save

from shared_model.errors import PneumofedError
from shared_model.files import write_atomically
from shared_model.model_quality import ModelQuality
from shared_model.printable_text import PrintableText
from shared_model.study import StudyConfig
from shared_model.weights import Weights, fingerprint

WEIGHTS_FILE = "model.safetensors"
CARD_FILE = "model.json"


class OperatingPoint(BaseModel):
    """The probability threshold from which a scan is called positive, per network."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    diseased: float = Field(0.5, gt=0, lt=1, description="Threshold for diseased.")
    covid: float = Field(0.5, gt=0, lt=1, description="Threshold for COVID-19, among diseased scans.")


class Temperature(BaseModel):
    """What a scan's logit is divided by before it is shown as a probability, per network; 1 changes nothing.

    It never changes what a scan is called: the operating point shown is scaled alike.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    diseased: float = Field(1.0, gt=0, allow_inf_nan=False, description="Temperature of diseased.")
    covid: float = Field(1.0, gt=0, allow_inf_nan=False, description="Temperature of COVID-19.")


class ModelCard(BaseModel):
    """What the weights are used with: their study, thresholds and temperatures, and the data's origin."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    study: StudyConfig
    operating_point: OperatingPoint = OperatingPoint()
    temperature: Temperature = Temperature()
    trained_on: PrintableText = Field(
        description="One sentence on the training data, shown with every prediction."
    )
    quality: ModelQuality | None = Field(
        None, description="What was measured of the model; null: nothing is known of it."
    )
    best_rounds: dict[str, int] = Field(default_factory=dict, description="Round kept, by 'stage/network'.")
    weights_sha256: str = ""
    card_sha256: str = Field("", description="Of everything else on the card.")

    @property
    def checksum(self) -> str:
        """SHA-256 of all fields but `card_sha256`, as hex digits.

        A `quality` of null is left out, so that the checksums of cards without the field still hold.
        """
        left_out = {"card_sha256"} | ({"quality"} if self.quality is None else set())
        return hashlib.sha256(self.model_dump_json(exclude=left_out).encode()).hexdigest()


def save_model(folder: Path, weights: Weights, card: ModelCard) -> None:
    """Write `model.safetensors`, then `model.json` with its fingerprint, so that a crash in between is
    detected when the model is loaded."""
    folder.mkdir(parents=True, exist_ok=True)
    card = card.model_copy(update={"weights_sha256": fingerprint(weights)})
    card = card.model_copy(update={"card_sha256": card.checksum})
    write_atomically(folder / WEIGHTS_FILE, save(dict(weights)))
    write_atomically(folder / CARD_FILE, (card.model_dump_json(indent=2) + "\n").encode())


def load_model(folder: Path) -> tuple[Weights, ModelCard]:
    """Read what `save_model` wrote.

    Raises PneumofedError `model-missing` if a file is absent, and `model-damaged` if the two files do not
    match, cannot be read, or hold values that no valid model has (see `_is_usable`).
    """
    try:
        weights: Weights = load((folder / WEIGHTS_FILE).read_bytes())
        card = ModelCard.model_validate(json.loads((folder / CARD_FILE).read_text()))
    except FileNotFoundError as error:
        raise PneumofedError(
            "model-missing", f"{folder}: no {WEIGHTS_FILE} and {CARD_FILE} here; give the folder of a model"
        ) from error
    except (SafetensorError, ValueError, ValidationError) as error:
        raise PneumofedError(
            "model-damaged", f"{folder}: the model cannot be read; copy it again from its source"
        ) from error
    if card.card_sha256 != card.checksum:
        raise PneumofedError(
            "model-damaged", f"{folder}: {CARD_FILE} was changed after it was written; copy it again"
        )
    if fingerprint(weights) != card.weights_sha256:
        raise PneumofedError(
            "model-damaged", f"{folder}: {WEIGHTS_FILE} and {CARD_FILE} do not match; copy both again"
        )
    # NaN compares below every operating point: all scans would be called healthy.
    if bad := sorted(name for name, array in weights.items() if not _is_usable(name, array)):
        raise PneumofedError(
            "model-damaged",
            f"{folder}: {len(bad)} of {len(weights)} arrays hold values that are not finite or invalid, "
            f"first {bad[0]!r}; use a model that a study produced",
        )
    return weights, card


def _is_usable(name: str, array: NDArray[np.float32]) -> bool:
    """Whether all values are finite, and positive if features are divided by them."""
    if name.endswith("/lobe.deviation"):
        return bool((np.isfinite(array) & (array > 0)).all())
    return bool(np.isfinite(array).all())
