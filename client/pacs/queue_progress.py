"""What `hospital diagnose` is diagnosing now, for whoever waits for it.

RESULTS/progress.json    while a study is diagnosed: which, since when, and how far
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from client.diagnosis.diagnosis_step import DiagnosisStep, OnStep
from shared_model.file_lock import is_held

PROGRESS = "progress.json"
_PAUSE_S = 0.3  # a step that ends sooner is not written


class QueueProgress(BaseModel):
    """How far the diagnosis of one study is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    study: str = Field(description="Its name in its inbox.")
    since: float = Field(description="When it was begun, in seconds since 1970.")
    step: DiagnosisStep = Field(description="What is being done.")
    done: int = Field(ge=0, description="How much of the step: files read, or lobes.")
    total: int = Field(ge=0, description="Of how much.")


@contextmanager
def progress_told(results: Path, study: str) -> Iterator[OnStep]:
    """Write each step of the study's diagnosis that the block tells of, a few times a second at most."""
    since, written = time.time(), float("-inf")
    last: DiagnosisStep | None = None

    def on_step(step: DiagnosisStep, done: int, total: int) -> None:
        nonlocal last, written
        if step != last or time.monotonic() - written >= _PAUSE_S:
            _write(results, QueueProgress(study=study, since=since, step=step, done=done, total=total))
            last, written = step, time.monotonic()

    try:
        yield on_step
    finally:
        (results / PROGRESS).unlink(missing_ok=True)


def read_progress(results: Path) -> QueueProgress | None:
    """What is being diagnosed; None if nothing is, also after a process that ended in the middle of it."""
    try:
        found = QueueProgress.model_validate_json((results / PROGRESS).read_bytes())
    except (OSError, ValidationError):
        return None
    return found if is_held(results) else None


def _write(results: Path, progress: QueueProgress) -> None:
    """Not flushed, as it is of no use after a power failure; a full disk is for the results to notice."""
    temporary = results / f".{PROGRESS}.partial"
    with suppress(OSError):
        temporary.write_text(progress.model_dump_json())
        os.replace(temporary, results / PROGRESS)
