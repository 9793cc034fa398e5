"""The Flower ServerApp: reads the run's settings and hands Flower's Grid to the round loop.

Run settings: `study` (name or file), `folder` (where the study's ledger, model and status are kept),
`trained-on` (one sentence on the data), and optionally `code` (SHA-256 of the app that nodes run), `quorum`,
`deadline-s`, `hospitals` (how many to wait for before the first round) and `patience-s` (how long).
"""

import math
import time
from dataclasses import replace
from pathlib import Path

from flwr.app import Context
from flwr.serverapp import Grid, ServerApp

from server.dispatch import RoundPolicy
from server.ledger import Ledger
from server.rounds import run_study
from server.status import StatusFile, StudyStatus
from server.study_result import StudyResult
from server.torch_process import load_initial_weights
from shared_model.errors import PneumofedError
from shared_model.file_lock import exclusive
from shared_model.saved_model import ModelCard, save_model
from shared_model.study import StudyConfig, load_study
from shared_model.weights import Weights

INITIAL, LEDGER, MODEL, STATUS = "initial.safetensors", "ledger", "model", "status.json"
"""In the study's folder."""

# A hospital that is away is asked again for about an hour; one that is silent, less and less often.
RETRIES, AGAIN_S = 6, 60.0
SLOW_LINE = 1e6
"""Bits a second: a hospital behind such a line is not silent while request and reply are on their way."""

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context) -> None:
    """Begin the study that the run names, or go on with it, and leave its model in the study's folder."""
    settings = context.run_config
    study, folder = load_study(_text(context, "study")), Path(_text(context, "folder"))
    trained_on = _text(context, "trained-on")
    policy = RoundPolicy(
        deadline_s=float(settings.get("deadline-s", math.inf)),
        quorum=int(settings.get("quorum", 1)),
        retries=RETRIES,
        again_s=AGAIN_S,
    )
    folder.mkdir(parents=True, exist_ok=True)
    # Two runs of one study would write one ledger.
    running = PneumofedError("study-running", f"{folder.name} is being run; wait for it or stop it")
    with exclusive(folder / "lock", refusal=running):
        status = StatusFile(folder / STATUS, StudyStatus(study=study.name, fingerprint=study.fingerprint))
        try:
            _wait_for(grid, int(settings.get("hospitals", 0)), float(settings.get("patience-s", 0)))
            result = _run(grid, study, folder, policy, str(settings.get("code", "")), status)
            save_model(folder / MODEL, result.weights, card_of(result, trained_on))
            status.complete()
        except BaseException as error:
            status.fail(error)
            raise


def card_of(result: StudyResult, trained_on: str) -> ModelCard:
    """What the model's users must know; `trained_on` is shown wherever the model speaks."""
    return ModelCard(
        study=result.study,
        operating_point=result.operating_point,
        trained_on=trained_on,
        best_rounds=result.best_rounds,
    )


def _run(
    grid: Grid, study: StudyConfig, folder: Path, policy: RoundPolicy, code: str, status: StatusFile
) -> StudyResult:
    weights = load_initial_weights(folder / INITIAL, study)
    policy = replace(policy, again_s=policy.again_s + way_s(weights))
    ledger = Ledger(folder / LEDGER, study, weights)
    status.begin(len(ledger.records))
    return run_study(grid, study, weights, ledger=ledger, policy=policy, code=code, tell=status.tell)


def way_s(weights: Weights) -> float:
    """How long `weights` need there and back over a slow line."""
    return 2 * 8 * sum(array.nbytes for array in weights.values()) / SLOW_LINE


def _wait_for(grid: Grid, hospitals: int, patience_s: float) -> None:
    """Until so many nodes are connected, or patience ends: who is not there then is left out."""
    end = time.monotonic() + patience_s
    while len(list(grid.get_nodes())) < hospitals and time.monotonic() < end:
        time.sleep(min(1.0, patience_s))


def _text(context: Context, name: str) -> str:
    value = context.run_config.get(name)
    if not isinstance(value, str) or not value:
        raise PneumofedError("run-config", f"the run's settings lack {name!r}; give it with --run-config")
    return value
