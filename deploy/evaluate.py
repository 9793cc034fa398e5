"""Measures a model on one hospital's own store."""

from pathlib import Path
from typing import Any

from client.learning.device_choice import choose_device
from client.learning.malloc_settings import keep_freed_memory
from client.learning.site import Site
from preprocessing.store.lobe_store import LobeStore
from server.report.group_metrics import NO_SCAN, calibration_block
from server.report.task_metrics import task_block
from server.report.three_classes import three_class_block
from shared_model.constants import LABEL_WORDS, TASKS, Task
from shared_model.metrics.site_evaluation import SiteEvaluation
from shared_model.progress import Progress
from shared_model.saved_model import ModelCard, load_model


def evaluate(model: Path, store: Path, progress: Progress, *, device: str = "auto") -> dict[str, Any]:
    """Figures of both tasks with intervals on all scans of the store, and what the scans are called.

    device: as for `choose_device`. Raises PneumofedError `no-device`, `model-missing`, `model-damaged`,
    `architecture-mismatch`, `store-missing`, `store-damaged`, `store-version` or `store-fingerprint`.
    """
    chosen = choose_device(device)
    weights, card = load_model(model)
    keep_freed_memory()
    # The figures stay at the hospital, so its floor for what may leave does not apply.
    site = Site(LobeStore.open(store), card.study, role="held-out", device=chosen, count_floor=1)
    points: dict[Task, float] = {task: getattr(card.operating_point, task) for task in TASKS}
    evaluation = site.evaluate(weights, split="all", operating_point=points, progress=progress)
    return {
        "trained_on": card.trained_on,
        "operating_point": points,
        "temperature": card.temperature.model_dump(),
        **{task: _task_block(evaluation, task, card) for task in TASKS},
        "three_class": three_class_block(evaluation, _reason),
    }


def _task_block(evaluation: SiteEvaluation, task: Task, card: ModelCard) -> dict[str, Any]:
    block = task_block(evaluation, task, getattr(card.operating_point, task), _reason)
    undefined = block.pop("undefined")
    block["calibration"] = calibration_block(evaluation, task, getattr(card.temperature, task))
    return block | {"undefined": undefined if block["n"] else undefined | {"calibration": NO_SCAN}}


def _reason(label: str) -> str:
    return f"no {LABEL_WORDS[label]} scan in the store"
