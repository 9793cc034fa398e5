"""A worker that dies costs its study, and the others go on."""

import os
from pathlib import Path

from preprocessing.labels import LabelledStudy
from preprocessing.settings import PreprocessingSettings
from preprocessing.store.lobe_store import LobeStore
from preprocessing.study_preparation import study_pool
from preprocessing.study_preparation.prepare_study import Outcome, StudyTask


def dies_on_three(task: StudyTask, store: LobeStore) -> Outcome:
    if task.study.row == 3:
        os._exit(9)
    return Outcome(task.study.row, "present", "key")


def test_a_worker_that_dies_costs_its_study_alone(tmp_path: Path, monkeypatch: object) -> None:
    store = LobeStore.create(tmp_path / "store", PreprocessingSettings())
    monkeypatch.setattr(study_pool, "prepare_study", dies_on_three)  # type: ignore[attr-defined]
    tasks = [StudyTask(LabelledStudy(tmp_path, "covid", row), None, frozenset()) for row in range(2, 14)]
    outcomes = {one.row: one for one in study_pool.prepare_studies(tasks, store, 2)}
    assert sorted(outcomes) == list(range(2, 14))
    assert [row for row, one in outcomes.items() if one.state == "rejected"] == [3]
    assert [problem.code for problem in outcomes[3].problems] == ["worker-died"]
