"""What tests of several rooms share."""

from pathlib import Path

import pytest

from preprocessing.phantom.hospital import make_hospitals
from preprocessing.phantom.presets import hospital_plans


@pytest.fixture(scope="session")
def tiny_hospitals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The preset `tiny` with 9 scans of seed 3, made once. Read only."""
    out = tmp_path_factory.mktemp("phantoms")
    make_hospitals(hospital_plans("tiny", 9), out, seed=3)
    return out
