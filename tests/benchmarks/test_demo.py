"""benchmarks/demo.py: medians and the worst over seeds, of the held-out hospitals, kept between sittings."""

from pathlib import Path

import pytest

from benchmarks import demo
from benchmarks.demo import NAMES, figures_of, kept_run, unseen_figures
from shared_model.constants import TASKS


def test_the_figures_are_those_of_unseen_hospitals() -> None:
    figure = {"value": 0.9, "low": 0.8, "high": 0.95, "k": None, "n": 60}
    block = dict.fromkeys(NAMES, figure)
    document = {
        "pooled": {
            "seen": {task: dict.fromkeys(NAMES) for task in TASKS},
            "unseen": {
                "diseased": block | {"auc": figure | {"value": 0.7}},
                "covid": block | {"within_auc": None},
            },
        }
    }
    found = unseen_figures(document)
    assert found["auc_diseased"] == 0.7 and found["within_auc_diseased"] == 0.9
    assert found["within_auc_covid"] is None and len(found) == len(NAMES) * len(TASKS)


def run(area: float | None, seconds: float) -> dict[str, object]:
    return {"figures": {f"{name}_{task}": area for task in TASKS for name in NAMES}, "seconds": seconds}


def test_medians_and_the_worst() -> None:
    figures = figures_of([run(0.9, 500), run(0.7, 400), run(0.8, 900)])
    assert figures["within_auc_covid"] == 0.8 and figures["worst_within_auc_covid"] == 0.7
    assert figures["sensitivity_diseased"] == 0.8 and figures["seconds"] == 500
    undefined = figures_of([run(0.9, 500), run(None, 400)])
    assert undefined["within_auc_covid"] is None and undefined["worst_within_auc_covid"] is None


def test_a_run_that_is_kept_is_not_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def ran(seed: int, *, quick: bool) -> dict[str, object]:
        asked.append(seed)
        return run(0.9, float(seed)) | {"seed": seed}

    monkeypatch.setattr(demo, "run_demo", ran)
    first = [kept_run(seed, tmp_path, quick=False) for seed in (3, 4)]
    again = [kept_run(seed, tmp_path, quick=False) for seed in (3, 4, 5)]
    assert asked == [3, 4, 5] and again[:2] == first
