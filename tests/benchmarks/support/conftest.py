"""One small series, and what the literal reference makes of it."""

from pathlib import Path

import pytest

from tests.reference import prepare as literal
from tests.support.chests import chest, write_series


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("series")
    hu, _ = chest(10, 208, noise=30)
    hu[:, 95:110, 55:70] += 350  # ground glass in the right lung
    # A small patient: 60 mm are a fair part of the lungs' height.
    write_series(folder, hu, slope=0.5, RescaleType="HU", PixelSpacing=[1.2, 1.2])
    return folder


@pytest.fixture(scope="session")
def run(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[dict], dict[str, float]]:
    """The literal way's lobes, and its seconds."""
    seconds: dict[str, float] = {}
    return literal.prepare(folder, tmp_path_factory.mktemp("literal") / "lobes.npz", seconds), seconds


@pytest.fixture(scope="session")
def lobes(run: tuple[list[dict], dict[str, float]]) -> list[dict]:
    return run[0]
