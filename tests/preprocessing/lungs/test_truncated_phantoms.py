"""Phantoms whose field of view cuts the body or a lung: what is in view is found as in the whole scan.

A lung that is cut and holds a large consolidation is not among them: its outline is lost with its air.
"""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from preprocessing.phantom.acquisition import simulate_scan
from tests.support.segmentation import dice, sides
from tests.support.small_phantoms import QUIET

SCANNER = replace(QUIET, noise_hu=12.0)
SPACING = (SCANNER.spacing_mm, SCANNER.pixel_mm, SCANNER.pixel_mm)


@cache
def phantom(label: str, number: int) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    scan = simulate_scan(label, SCANNER, (23, number))
    return np.rint(np.clip(scan.hu, -1024, 3000)).astype(np.int16), scan.lungs


def in_view(label: str, number: int, beside_mm: tuple[float, float]) -> list[float]:
    """Dice of both lungs between columns so far outside (below 0: inside) the right and the left lung."""
    hu, lungs = phantom(label, number)
    first, last = np.flatnonzero(lungs.any(axis=(0, 1)))[[0, -1]]
    right, left = (round(mm / SPACING[2]) for mm in beside_mm)
    view = np.s_[:, :, max(0, first - right) : last + 1 + left]
    edge = hu[view][:, :, 0]
    assert (edge > -300).any()  # the right edge at least cuts the body
    found = sides(np.ascontiguousarray(hu[view]), spacing_mm=SPACING)
    return [dice(found, lungs[view], side) for side in (1, 2)]


@pytest.mark.parametrize(("label", "number"), [("healthy", 0), ("healthy", 1), ("covid", 2), ("other", 1)])
@pytest.mark.parametrize("beside_mm", [(8, 100), (8, 8), (-15, 100), (-30, 8)])
def test_lungs_in_view_are_found(label: str, number: int, beside_mm: tuple[float, float]) -> None:
    assert min(in_view(label, number, beside_mm)) >= 0.95
