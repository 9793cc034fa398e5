"""Boxes round infected regions, by hand."""

import numpy as np
import pytest

from client.diagnosis.infected_boxes import infected_boxes


@pytest.mark.parametrize(
    ("regions", "boxes"),
    [
        ([], []),
        ([(10, 10, 15, 15)], []),  # 25 mm2: too small
        ([(10, 10, 16, 16)], [(10, 10, 16, 16)]),
        ([(10, 10, 14, 16), (16, 10, 20, 16)], [(10, 10, 20, 16)]),  # 2 mm apart: one region
        ([(10, 10, 16, 16), (30, 10, 40, 16)], [(30, 10, 40, 16), (10, 10, 16, 16)]),  # largest first
        ([(10, 10, 12, 60), (10, 58, 60, 60), (30, 20, 40, 40)], [(10, 10, 60, 60)]),  # a box within a box
    ],
)
def test_boxes(regions: list[tuple[int, ...]], boxes: list[tuple[int, ...]]) -> None:
    infected = np.zeros((80, 80), bool)
    for row0, column0, row1, column1 in regions:
        infected[row0:row1, column0:column1] = True
    assert infected_boxes(infected, (1.0, 1.0)) == boxes


def test_box_limits_are_in_millimetres() -> None:
    infected = np.zeros((80, 80), bool)
    infected[10:16, 10:16] = True
    assert infected_boxes(infected, (0.5, 0.5)) == []
    infected[22:28, 10:16] = True
    assert len(infected_boxes(infected, (2.0, 2.0))) == 2
