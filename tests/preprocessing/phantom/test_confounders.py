"""Confounders have one distribution for all classes."""

from functools import cache

import numpy as np

from preprocessing.phantom.anatomy import Anatomy
from preprocessing.phantom.chest import random_chest
from preprocessing.phantom.disease import (
    random_findings,
)
from preprocessing.phantom.lesion_sites import Lungs

LABELS = ("healthy", "covid", "other")


def test_confounders_follow_one_law_for_all_classes() -> None:
    """The same generator gives the same confounders whatever the label; disease is drawn after them."""
    lungs = _lungs(1)
    for number in range(5):
        of = {label: random_findings(label, lungs, np.random.default_rng([9, number])) for label in LABELS}
        for diseased in (of["covid"], of["other"]):
            assert (
                tuple(opacity for opacity in diseased.opacities if not opacity.infection)
                == of["healthy"].opacities
            )
            assert diseased.dependent_hu == of["healthy"].dependent_hu
            np.testing.assert_array_equal(diseased.emphysema.centre, of["healthy"].emphysema.centre)
            np.testing.assert_array_equal(diseased.scars.end, of["healthy"].scars.end)


@cache
def _lungs(number: int) -> Lungs:
    chest = random_chest(np.random.default_rng([4, number]))
    return Lungs.from_lung_map(Anatomy(chest, (4, number)).lung_map, chest.lung_hu)
