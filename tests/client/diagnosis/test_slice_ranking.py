"""The slices to look at first, by hand."""

import math

import numpy as np
import pytest

from client.diagnosis.slice_ranking import worst_slices
from tests.support.diagnosed_scans import diagnosed, observation, two_lungs


def logit(p: float) -> float:
    return math.log(p / (1 - p))


def test_worst_slices_weigh_infected_volume_by_probability_and_lie_apart() -> None:
    scan = two_lungs(12)  # 5 mm apart: neighbours are too near to each other
    infected = np.zeros(scan.images.shape, bool)
    for z, rows in ((3, 10), (4, 9), (5, 8), (7, 6), (10, 12)):
        infected[z, 100 : 100 + rows, 40:140] = True
    logits = np.repeat(np.where(np.arange(12) > 8, logit(0.1), logit(0.8)), 2)
    found = diagnosed(scan, observation(scan, infected, diseased=logits))
    # 3: 5 ml x 0.8; 5: 4 ml x 0.8; 7: 3 ml x 0.8; 10: 6 ml x 0.1; 4 lies too near to 3 and 5.
    chosen = worst_slices(found)
    assert [(one.rank, one.slice) for one in chosen] == [(1, 3), (2, 5), (3, 7)]
    assert [one.score_ml for one in chosen] == pytest.approx([4.0, 3.2, 2.4])
    assert [one.slice for one in worst_slices(found, shown=4)] == [3, 5, 7, 10]


def test_worst_slices_without_infection_go_by_probability() -> None:
    scan = two_lungs(10)
    logits = np.repeat([-5.0, -4, -3, -1, -1, -4, -2, -2, -6, -6], 2)
    found = diagnosed(scan, observation(scan, diseased=logits))
    assert [one.slice for one in worst_slices(found)] == [3, 6, 1]
    assert [one.score_ml for one in worst_slices(found)] == [0, 0, 0]


def test_a_flat_scan_shows_slices_nearer_than_10_mm() -> None:
    scan = two_lungs(3, (1.0, 1.0, 1.0))
    assert sorted(one.slice for one in worst_slices(diagnosed(scan, observation(scan)))) == [0, 1, 2]
