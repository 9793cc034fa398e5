"""Values that contradict the header's HU are told from sound ones by where air and soft tissue lie."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from preprocessing.reading.hu_scale import counts_of, hu_scale
from tests.support.chests import chest
from tests.support.other_bodies import head, pelvis

HU = chest(14, 96)[0].astype(np.float64)
CORNER = np.hypot(*(np.indices((96, 96)) - 47.5)) > 47
Change = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def scale_of(values: NDArray[np.float64]) -> tuple[int, str]:
    found = hu_scale(counts_of(np.rint(values).astype(np.int16)))
    return found.offset_hu, found.problem


def test_counts_are_of_all_values() -> None:
    values = np.array([[-32768, 32767], [0, 0]], np.int16)
    counts = counts_of(values)
    assert (counts[0], counts[-1], counts[32768], counts.sum()) == (1, 1, 2, 4)


@pytest.mark.parametrize(
    "change",
    [
        lambda hu: hu,
        lambda hu: hu + 60,  # drift
        lambda hu: np.maximum(hu, -1024),
        lambda hu: np.where(CORNER, -2000, hu),
        lambda hu: np.where(CORNER, -3024, np.maximum(hu, -1024)),
        lambda hu: np.where(CORNER, -2000 + np.rint(hu / 100), hu),  # padding after compression with loss
        lambda hu: np.where(hu > 600, 3071, hu),  # metal
        lambda hu: hu[:, 30:60, 20:50],  # a narrow field of view
        lambda hu: np.where(hu < -300, 0, hu),  # no air at all: judged elsewhere
        lambda hu: chest(14, 96, noise=0)[0],
    ],
)
def test_sound_values_are_left_alone(change: Change) -> None:
    assert scale_of(change(HU)) == (0, "")


@pytest.mark.parametrize("body", [head, pelvis])
def test_other_bodies_are_judged_elsewhere(body: Callable[[], object]) -> None:
    found = body()
    assert scale_of(np.asarray(found[0] if isinstance(found, tuple) else found, np.float64)) == (0, "")


@pytest.mark.parametrize("offset", [-1024, -1000, 1024, 1000, -500, 300, 8192])
@pytest.mark.parametrize("padded", [False, True])
def test_a_plain_offset_is_found(offset: int, padded: bool) -> None:
    values = HU + offset
    assert scale_of(np.where(CORNER, -3024, values) if padded and offset > -600 else values) == (offset, "")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda hu: np.clip(hu, -160, 240), "window"),
        (lambda hu: np.clip(hu, -175, 275), "window"),
        (lambda hu: np.clip(hu, -1350, 150), "window"),
        (lambda hu: np.clip((hu + 1350) / 1500, 0, 1) * 255, "grey"),
        (lambda hu: np.clip((hu + 1350) / 1500, 0, 1) * 255 - 1024, "soft tissue"),
        (lambda hu: np.clip((hu + 160) / 400, 0, 1) * 255, "grey"),
        (lambda hu: np.clip((hu + 160) / 400, 0, 1) * 4095 - 1024, "soft tissue"),
        (lambda hu: (hu + 1024) * 2 - 1024, "soft tissue"),
        (lambda hu: (hu + 1024) * 0.5 - 1024, "soft tissue"),
        (lambda hu: (hu + 1000) / 10, "grey"),  # electron density in per cent of water's
    ],
)
def test_values_that_are_not_hu_are_named(change: Change, words: str) -> None:
    offset, problem = scale_of(change(HU))
    assert offset == 0 and words in problem
