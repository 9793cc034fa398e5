"""Presets: Table 2, scaling, and scanners that differ."""

from collections.abc import Callable

import pytest

from preprocessing.phantom.presets import (
    FEDERATIONS,
    PRESETS,
    HospitalPlan,
    federation_plans,
    hospital_plans,
)
from shared_model.errors import PneumofedError

Plans = Callable[[str, int | None], tuple[HospitalPlan, ...]]


@pytest.mark.parametrize("preset", list(PRESETS))
@pytest.mark.parametrize("factor", [0.3, 1.0, 2.5])
def test_scaling_keeps_the_shape(preset: str, factor: float) -> None:
    full = hospital_plans(preset, None)
    cells = sum(n > 0 for plan in full for n in plan.counts.values())
    total = max(round(sum(plan.total for plan in full) * factor), cells)
    scaled = hospital_plans(preset, total)
    assert sum(plan.total for plan in scaled) == total
    for before, after in zip(full, scaled, strict=True):
        for label, n in before.counts.items():
            assert (after.counts[label] > 0) == (n > 0)
            assert abs(after.counts[label] - factor * n) <= 1.5 + 0.02 * factor * n


def test_the_fewest_scans_are_one_of_each_class_that_a_hospital_has() -> None:
    counts = [n for plan in hospital_plans("paper", 21) for n in plan.counts.values()]
    assert sorted(set(counts)) == [0, 1]
    assert sum(counts) == 21


def test_the_paper_preset_is_table_2() -> None:
    counts = {plan.name: (plan.covid, plan.other, plan.healthy) for plan in PRESETS["paper"]}
    assert counts["kerman"] == (103, 276, 134)
    assert counts["kashan"] == (1688, 0, 0)
    assert counts["trc"] == (0, 0, 438)
    training = [plan for plan in PRESETS["paper"] if plan.role == "training"]
    assert sum(plan.covid for plan in training) == 188 + 38 + 103 + 220 + 1688
    held_out = [plan for plan in PRESETS["paper"] if plan.role == "held-out"]
    assert [plan.covid for plan in held_out] == [94, 966, 350, 25]
    assert all(plan.other and plan.healthy for plan in held_out)


def test_the_demos_scanners_all_differ() -> None:
    scanners = [plan.scanner for plan in PRESETS["demo"]]
    assert len(set(scanners)) == len(scanners) == 6
    assert {s.padding for s in scanners} == {None, -2000, -3024}
    assert {s.signed for s in scanners} == {True, False}
    assert len({(s.slope, s.intercept) for s in scanners}) >= 4


@pytest.mark.parametrize("name", FEDERATIONS)
@pytest.mark.parametrize("scans", [None, 60, 127])
def test_a_federation_has_two_unseen_scanners_with_every_class(name: str, scans: int | None) -> None:
    plans = federation_plans(name, scans)
    training = [plan for plan in plans if plan.role == "training"]
    held_out = [plan for plan in plans if plan.role == "held-out"]
    assert scans is None or sum(plan.total for plan in training) == scans
    assert len(held_out) == 2
    assert {plan.scanner for plan in held_out}.isdisjoint(plan.scanner for plan in training)
    assert all(min(plan.counts.values()) >= 15 for plan in held_out)


def test_the_papers_training_hospitals_keep_table_2s_proportions() -> None:
    counts = {plan.name: (plan.covid, plan.other, plan.healthy) for plan in federation_plans("paper", 127)}
    assert counts["kashan"] == (64, 0, 0)
    assert counts["trc"] == (0, 0, 17)
    assert counts["qazvin"] == (8, 11, 0)
    assert counts["kerman"] == (4, 10, 5)


def test_no_hospital_of_one_class_has_both_labels_of_a_task() -> None:
    for plan in federation_plans("one-class", None):
        if plan.role == "training":
            assert sorted(plan.counts.values())[:2] == [0, 0]


@pytest.mark.parametrize(
    ("plans", "name", "scans", "code"),
    [
        (hospital_plans, "big", None, "phantom-preset"),
        (hospital_plans, "demo", 3, "phantom-scans"),
        (federation_plans, "tiny", None, "phantom-preset"),
        (federation_plans, "paper", 3, "phantom-scans"),
    ],
)
def test_wrong_wishes_are_refused(plans: Plans, name: str, scans: int | None, code: str) -> None:
    with pytest.raises(PneumofedError) as refused:
        plans(name, scans)
    assert refused.value.code == code
