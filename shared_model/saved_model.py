"""A model on disk: weights as safetensors, everything else as JSON. Never pickle."""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load, save

from shared_model.errors import PneumofedError
from shared_model.files import write_atomically
from shared_model.study import StudyConfig
from shared_model.weights import Weights, fingerprint

WEIGHTS_FILE = "model.safetensors"
CARD_FILE = "model.json"


class OperatingPoint(BaseModel):
    """The probability from which on a scan is called positive, per network."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    diseased: float = Field(0.5, gt=0, lt=1, description="Called diseased from this probability on.")
    covid: float = Field(0.5, gt=0, lt=1, description="A diseased scan is called COVID-19 from this on.")


class ModelCard(BaseModel):
    """What one must know of the weights to use them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    study: StudyConfig
    operating_point: OperatingPoint = OperatingPoint()
    trained_on: str = Field(description="One sentence on the data, shown wherever the model speaks.")
    best_rounds: dict[str, int] = Field(default_factory=dict, description="Round kept, by stage.")
    weights_sha256: str = ""


def save_model(folder: Path, weights: Weights, card: ModelCard) -> None:
    """Write `model.safetensors`, then `model.json` with its fingerprint: a crash between is noticed."""
    folder.mkdir(parents=True, exist_ok=True)
    card = card.model_copy(update={"weights_sha256": fingerprint(weights)})
    write_atomically(folder / WEIGHTS_FILE, save(dict(weights)))
    write_atomically(folder / CARD_FILE, (card.model_dump_json(indent=2) + "\n").encode())


def load_model(folder: Path) -> tuple[Weights, ModelCard]:
    """Read what `save_model` wrote.

    Raises PneumofedError `model-missing` where a file is absent and `model-damaged` where the two
    do not belong together, cannot be read, or hold numbers that nothing can be decided by.
    """
    try:
        weights: Weights = load((folder / WEIGHTS_FILE).read_bytes())
        card = ModelCard.model_validate(json.loads((folder / CARD_FILE).read_text()))
    except FileNotFoundError as error:
        raise PneumofedError(
            "model-missing", f"{folder}: no {WEIGHTS_FILE} and {CARD_FILE} here; name the folder of a model"
        ) from error
    except (SafetensorError, ValueError, ValidationError) as error:
        raise PneumofedError(
            "model-damaged", f"{folder}: the model cannot be read; copy it again from where it was made"
        ) from error
    if fingerprint(weights) != card.weights_sha256:
        raise PneumofedError(
            "model-damaged", f"{folder}: {WEIGHTS_FILE} and {CARD_FILE} do not match; copy both again"
        )
    # A NaN is below every operating point: all scans would be called healthy.
    if bad := sorted(name for name, array in weights.items() if not _decides(name, array)):
        raise PneumofedError(
            "model-damaged",
            f"{folder}: {len(bad)} of {len(weights)} arrays hold numbers that no training makes, first "
            f"{bad[0]!r}; use a model that a study made",
        )
    return weights, card


def _decides(name: str, array: NDArray[np.float32]) -> bool:
    """Whether a network with these numbers says something of every scan."""
    if name.endswith("/lobe.deviation"):  # what features are divided by
        return bool((np.isfinite(array) & (array > 0)).all())
    return bool(np.isfinite(array).all())
