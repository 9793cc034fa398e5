"""The figures of the table of ways, and one small federation from phantoms to rows."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks import label_skew
from benchmarks.label_skew import CLOSED, federations, figures_of
from benchmarks.support import skewed_federation
from benchmarks.support.skew_rows import measure, rows
from benchmarks.support.skewed_federation import Federation, prepare_federation, read_federation
from preprocessing.phantom.presets import hospital_plans
from shared_model.constants import TASKS
from shared_model.study import load_study


def table() -> dict[str, dict[str, Any]]:
    """Every row of every federation has an area of 0.9."""
    named = [row.name for row in rows(load_study("demo"), ["a"])]
    return {
        f.folder_name: {row: {task: {"within_auc": 0.9} for task in TASKS} for row in named}
        for f in federations()
    }


def put(found: dict[str, Any], place: str, row: str, area: float, task: str = "covid") -> None:
    found[place][row][task]["within_auc"] = area


def test_gaps_and_worst_are_over_seeds_of_the_paper() -> None:
    found = table()
    for seed, area in zip(label_skew.SEEDS, (0.80, 0.85, 0.86, 0.87, 0.91), strict=True):
        put(found, f"paper-usual-{seed}", CLOSED, area)
    put(found, "one-class-usual-300", CLOSED, 0.1)
    put(found, "paper-reversed-300", CLOSED, 0.2)
    figures = figures_of(found)
    assert figures["gap_covid"] == pytest.approx(0.04) and figures["largest_gap_covid"] == pytest.approx(0.1)
    assert figures["worst_covid"] == 0.80 and figures["gap_diseased"] == pytest.approx(0)
    assert figures["one_class_covid"] == 0.9


def test_the_loss_to_two_class_averaging_is_the_worst_cells() -> None:
    found = table()
    assert figures_of(found)["law_loss"] == pytest.approx(0)
    for seed in label_skew.REVERSED_SEEDS[:2]:
        put(found, f"paper-reversed-{seed}", "closed-form, law-free", 0.83)
    assert figures_of(found)["law_loss"] == pytest.approx(0.07)
    put(found, "paper-reversed-300", "two-class", 0.5)
    put(found, "paper-reversed-301", "two-class", 0.5)
    assert figures_of(found)["law_loss"] == pytest.approx(0)


@pytest.mark.slow
def test_a_small_federation_from_phantoms_to_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(skewed_federation, "federation_plans", lambda name, scans: hospital_plans("tiny", 18))
    demo = load_study("demo")
    short = [
        stage.model_copy(update={"rounds": 1, "average_rounds": 1, "epochs": 1.0}) for stage in demo.stages
    ]
    demo = demo.model_copy(update={"stages": tuple(short)})
    federation = Federation("paper", "reversed", 5)
    seconds = prepare_federation(federation, tmp_path, demo, jobs=1)
    assert prepare_federation(federation, tmp_path, demo, jobs=1) == pytest.approx(seconds, abs=1.0)
    sites = read_federation(federation, tmp_path, demo)
    by_name = {row.name: measure(sites, row) for row in rows(demo, ["north"]) if "single" not in row.name}
    assert 0 <= by_name["fedavg"]["diseased"]["within_auc"] <= 1
    assert by_name["fedavg"]["rounds"] == 2 and by_name["fedavg"]["megabytes"] > 1
    assert by_name["closed-form, infection-map"] == {"undefined": "nobody-trained"}  # a class of six patients
    assert by_name["fedavg"] != by_name["fedadam"]
