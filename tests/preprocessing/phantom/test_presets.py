"""Presets: Table 2, scaling, and scanners that differ."""

import pytest

from preprocessing.phantom.presets import PRESETS, hospital_plans


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
