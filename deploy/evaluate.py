"""Measures a model on one hospital's own store."""

from pathlib import Path
from typing import Any

from client.learning.device_choice import choose_device
from client.learning.malloc_settings import keep_freed_memory
from client.learning.site import Site
from preprocessing.store.lobe_store import LobeStore
from server.report.task_metrics import task_block
from shared_model.constants import LABEL_WORDS, TASKS
from shared_model.progress import Progress
from shared_model.saved_model import load_model


def evaluate(model: Path, store: Path, progress: Progress, *, device: str = "auto") -> dict[str, Any]:
    """Figures with intervals for both tasks on all scans of the store, at the model's operating point.

    device: as for `choose_device`. Raises PneumofedError `no-device`, `model-missing`, `model-damaged`,
    `architecture-mismatch`, `store-missing`, `store-damaged`, `store-version` or `store-fingerprint`.
    """
    chosen = choose_device(device)
    weights, card = load_model(model)
    keep_freed_memory()
    # The figures stay at the hospital, so its floor for what may leave does not apply.
    site = Site(LobeStore.open(store), card.study, role="held-out", device=chosen, count_floor=1)
    evaluation = site.evaluate(weights, split="all", progress=progress)
    points = card.operating_point.model_dump()
    blocks: dict[str, Any] = {
        task: task_block(
            evaluation, task, points[task], lambda label: f"no {LABEL_WORDS[label]} scan in the store"
        )
        for task in TASKS
    }
    return {"trained_on": card.trained_on, "operating_point": points, **blocks}
