"""A coordinator that sends weights of its choice in a round, to read patients off the update.

With plain SGD one step of a round is a gradient. Where every lobe's logit is 0, the gradient of the last bias
is half minus the share of positive scans; where it is far below 0, only positive scans have a gradient.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from client.learning.batches import Bag, draw_batches
from shared_model.study import StudyConfig
from shared_model.study_stage import StageConfig
from shared_model.weights import Weights
from tests.support.small_site import WEIGHTS, site_in_memory
from tests.support.small_study import STUDY
from tests.support.stores import MadeScan, scan_of

FLOOR = 3
HEALTHY = [scan_of(f"healthy-{i}", "healthy", slices=1) for i in range(4)]
FEW = [scan_of(f"covid-{i}", "covid", slices=1) for i in range(FLOOR - 1)]
LAST_WEIGHT, LAST_BIAS = "diseased/lobe.3.weight", "diseased/lobe.3.bias"


def study(**choices: Any) -> StudyConfig:
    """One round of one SGD step with the lobe loss alone, as any study may have."""
    stage: dict[str, Any] = {
        "name": "lobes", "networks": ("diseased",), "rounds": 1, "scans_per_batch": 99, "lobes_per_scan": 2,
        "optimizer": "sgd", "learning_rate": 1.0,
        "top_share": 1.0, "concordance_weight": 0, "patch_weight": 0,
    }  # fmt: skip
    plain = STUDY.network.model_copy(update={"dropout": 0.0})
    return STUDY.model_copy(update={"network": plain, "stages": (StageConfig(**stage | choices),)})


def chosen(bias: float) -> Weights:
    """Every lobe's logit is `bias`."""
    return WEIGHTS | {LAST_WEIGHT: np.zeros_like(WEIGHTS[LAST_WEIGHT]), LAST_BIAS: np.float32([bias])}


def change(scans: Sequence[MadeScan], bias: float, **choices: Any) -> Weights:
    """By how much a round from those weights changes each array."""
    site = site_in_memory(list(scans), study=study(**choices), count_floor=FLOOR)
    weights = chosen(bias)
    trained = site.train(weights, stage=0, round=1).weights
    return {name: array - weights[name] for name, array in trained.items()}


def test_the_update_does_not_count_a_class_below_the_floor() -> None:
    """0.5 - share of positive scans told their number, with the number of the others that is told."""
    told = change(HEALTHY, 0.0)
    assert told[LAST_BIAS] == pytest.approx(-0.5)
    for number in range(1, FLOOR):
        found = change([*HEALTHY, *FEW[:number]], 0.0)
        assert all((found[name] == array).all() for name, array in told.items())


def test_the_update_does_not_hold_one_patient_s_features() -> None:
    """Under weights that call every scan healthy, the update was the features of the one diseased scan."""
    found = change([*HEALTHY, FEW[0]], -30.0)
    assert max(np.abs(array).max() for array in found.values()) < 1e-9


def test_a_part_of_an_epoch_does_not_single_out_a_patient_of_a_class() -> None:
    """A tenth of an epoch of forty scans may draw one of the few that have a gradient."""
    scans = [scan_of(f"healthy-{i}", "healthy", slices=1) for i in range(30)]
    scans += [scan_of(f"covid-{i}", "covid", slices=1) for i in range(10)]
    records, singled_out = [record for record, _ in scans], 0
    for seed in range(8):
        part = study(epochs=0.15, scans_per_batch=3, learning_rate=1e-6).model_copy(update={"seed": seed})
        place = (seed, "diseased", 0, 1)
        singled_out += 0 < covid_in(draw_batches(records, part.stages[0], place)) < FLOOR
        assert covid_in(draw_batches(records, part.stages[0], place, FLOOR)) >= FLOOR
        site_in_memory(scans, study=part, count_floor=FLOOR).train(chosen(-30.0), stage=0, round=1)
    assert singled_out > 0


def covid_in(batches: list[list[Bag]]) -> int:
    return sum(bag.scan.label == "covid" for batch in batches for bag in batch)
