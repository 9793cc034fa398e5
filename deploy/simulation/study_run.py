"""A whole study on simulated hospitals: all rounds, the measurement, the model and the report."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from client.learning.malloc_settings import keep_freed_memory
from deploy.progress import Steps
from deploy.simulation.grids import POLL_S, Engine, open_grid
from deploy.simulation.store_sites import StoreSites
from server import events
from server.app import INITIAL, LEDGER, MODEL
from server.dispatch import RoundPolicy
from server.ledger import Ledger
from server.model_card import model_card
from server.report.page import Example
from server.report.report_files import write_report
from server.rounds import run_study
from server.study_result import FinishedStudy
from server.torch_process import load_or_create_initial_weights
from shared_model.progress import Progress
from shared_model.saved_model import save_model

STATE = "state"
"""Folder of the hospitals' own state, in the simulation's folder."""


def train_together(
    folder: Path,
    sites: StoreSites,
    steps: Steps,
    *,
    engine: Engine,
    trained_on: str,
    command: str,
    strategy: str | None = None,
) -> FinishedStudy:
    """All rounds that the ledger in `folder` does not hold yet, and the final measurement.

    trained_on, command: as for `run_study`; strategy: as for Ledger. Every training hospital must return in
    every round, as none is away: raises PneumofedError `quorum-missed` otherwise, and the errors of
    `open_grid`, `run_study` and the ledger.
    """
    study = sites.study
    keep_freed_memory()
    weights = load_or_create_initial_weights(folder / INITIAL, study)
    ledger = Ledger(folder / LEDGER, study, weights, strategy)
    requests = events.request_count(
        study, training=sites.training, held_out=len(sites.hospitals) - sites.training
    )
    answered = sum(len(record.train) + len(record.validate_replies) for record in ledger.records)
    with (
        open_grid(engine, sites, sites.names, on_gpu=sites.device.startswith("cuda")) as grid,
        steps.step("training together") as progress,
    ):
        progress(answered, requests)
        return run_study(
            grid,
            study,
            weights,
            ledger=ledger,
            policy=RoundPolicy(poll_s=POLL_S, quorum=sites.training),
            trained_on=trained_on,
            command=command,
            on_event=_show_progress(steps, progress, answered, requests),
        )


def write_results(
    folder: Path, result: FinishedStudy, steps: Steps, shown: Sequence[Example] = ()
) -> dict[str, Any]:
    """Write the model and the report, with the example scans `shown`; returns report.json's document."""
    save_model(folder / MODEL, result.weights, model_card(result))
    return write_report(folder, result, seconds=steps.seconds, examples=shown)


def _show_progress(steps: Steps, progress: Progress, done: int, requests: int) -> events.Listener:
    """A listener that moves the progress bar with each result, and prints failures and validation AUC.

    done: of `requests`, before the first event.
    """

    def on_event(event: events.Event) -> None:
        """Show one event."""
        nonlocal done
        match event:
            case events.RequestFinished(phase=phase, hospital=hospital, outcome=outcome):
                done += phase != "describe"
                progress(done, requests)
                if outcome.status != "returned":
                    steps.say(f"{hospital}: {phase} {outcome.status} ({outcome.reason})")
            case events.RoundFinished(stage=stage, record=record) if record.validation is not None:
                found = {task: area for task, area in record.within_auc.items() if area is not None}
                areas = ", ".join(f"{task} {area:.3f}" for task, area in found.items()) or "undefined"
                steps.say(f"{stage.name}, round {record.round}: validation AUC within hospitals {areas}")

    return on_event
