"""Models on disk and weights in transit: whole and of one kind, or refused."""

import hashlib
import json

import numpy as np
import pytest

from shared_model.errors import PneumofedError
from shared_model.saved_model import ModelCard, OperatingPoint, load_model, save_model
from shared_model.study import load_study
from shared_model.weights import fingerprint
from tests.support.initial_weights import initial_weights

STUDY = load_study("tiny")
CARD = ModelCard(study=STUDY, operating_point=OperatingPoint(diseased=0.7), trained_on="Phantoms only.")


def test_a_model_comes_back_bit_for_bit(tmp_path) -> None:
    weights = initial_weights(STUDY)
    save_model(tmp_path, weights, CARD)
    again, card = load_model(tmp_path)
    assert fingerprint(again) == fingerprint(weights) == card.weights_sha256
    assert (card.study, card.operating_point.diseased) == (STUDY, 0.7)


@pytest.mark.parametrize("damage", ["other weights", "cut weights", "cut card"])
def test_files_that_do_not_belong_together_are_refused(tmp_path, damage: str) -> None:
    weights = initial_weights(STUDY)
    save_model(tmp_path, weights, CARD)
    if damage == "other weights":
        save_model(tmp_path / "other", {n: a + 1 for n, a in weights.items()}, CARD)
        (tmp_path / "other" / "model.safetensors").rename(tmp_path / "model.safetensors")
    else:
        file = tmp_path / ("model.safetensors" if damage == "cut weights" else "model.json")
        file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(PneumofedError) as refused:
        load_model(tmp_path)
    assert refused.value.code == "model-damaged"


def test_a_card_without_quality_is_read_and_says_that_nothing_is_known(tmp_path) -> None:
    """As written before the field was there: its checksum is of a card that lacks it."""
    save_model(tmp_path, initial_weights(STUDY), CARD)
    file = tmp_path / "model.json"
    document = json.loads(file.read_text())
    del document["quality"]
    kept = {name: value for name, value in document.items() if name != "card_sha256"}
    compact = json.dumps(kept, separators=(",", ":"), ensure_ascii=False)
    document["card_sha256"] = hashlib.sha256(compact.encode()).hexdigest()
    file.write_text(json.dumps(document))
    assert load_model(tmp_path)[1].quality is None


@pytest.mark.parametrize(
    ("before", "after"),
    [("0.7", "0.1"), ("Phantoms only.", "CT of 900 patients."), ('"covid": 1.0', '"covid": 9.0')],
)
def test_a_card_that_was_changed_is_refused(tmp_path, before: str, after: str) -> None:
    save_model(tmp_path, initial_weights(STUDY), CARD)
    card = tmp_path / "model.json"
    changed = card.read_text().replace(before, after)
    assert changed != card.read_text()
    card.write_text(changed)
    with pytest.raises(PneumofedError, match="changed") as refused:
        load_model(tmp_path)
    assert refused.value.code == "model-damaged"


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("covid/lobe.0.weight", np.nan),
        ("diseased/attention.0.bias", np.inf),
        ("diseased/lobe.deviation", 0),
        ("diseased/lobe.deviation", -1),
        ("diseased/lobe.deviation", np.inf),
    ],
)
def test_numbers_that_nothing_can_be_decided_by_are_refused(tmp_path, name: str, number: float) -> None:
    weights = initial_weights(STUDY)
    weights[name].flat[0] = number
    save_model(tmp_path, weights, CARD)
    with pytest.raises(PneumofedError, match=name) as refused:
        load_model(tmp_path)
    assert refused.value.code == "model-damaged"


def test_no_model_is_refused(tmp_path) -> None:
    with pytest.raises(PneumofedError) as refused:
        load_model(tmp_path)
    assert refused.value.code == "model-missing"


def test_the_fingerprint_sees_one_bit_and_not_the_order() -> None:
    weights = initial_weights(STUDY)
    assert fingerprint(dict(reversed(weights.items()))) == fingerprint(weights)
    name = next(iter(weights))
    changed = {**weights, name: np.nextafter(weights[name], np.float32(np.inf))}
    assert fingerprint(changed) != fingerprint(weights)
