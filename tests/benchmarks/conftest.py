"""Initial weights of the study of published images, drawn once for all tests."""

import pytest

from benchmarks.support import image_training
from benchmarks.support.image_training import pooled_study
from shared_model.initial_weights import initial_weights
from shared_model.weights import Weights


@pytest.fixture(scope="session")
def drawn_weights() -> Weights:
    return initial_weights(pooled_study())


@pytest.fixture
def initial(monkeypatch: pytest.MonkeyPatch, drawn_weights: Weights) -> Weights:
    """Initial weights, which training starts from too; those of all image studies are the same."""
    monkeypatch.setattr(image_training, "initial_weights", lambda study: dict(drawn_weights))
    return dict(drawn_weights)
