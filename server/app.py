"""The Flower ServerApp: reads the run's settings and hands Flower's Grid to the round loop.

Run settings: `study` (name or file), `ledger` (folder of the study's rounds), `model` (folder to write the
model into), `trained-on` (one sentence on the data), and optionally `deadline-s` and `quorum`.
"""

import math
from pathlib import Path

from flwr.app import Context
from flwr.serverapp import Grid, ServerApp

from server.exchange import RoundPolicy
from server.ledger import Ledger
from server.result import StudyResult
from server.rounds import run_study
from shared_model.checkpoint import ModelCard, save_model
from shared_model.config import load_study
from shared_model.errors import PneumofedError
from shared_model.initial import initial_weights

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context) -> None:
    settings = context.run_config
    study = load_study(_text(context, "study"))
    weights = initial_weights(study)
    policy = RoundPolicy(
        deadline_s=float(settings.get("deadline-s", math.inf)), quorum=int(settings.get("quorum", 1))
    )
    ledger = Ledger(Path(_text(context, "ledger")), study, weights)
    result = run_study(grid, study, weights, ledger=ledger, policy=policy)
    save_model(Path(_text(context, "model")), result.weights, card_of(result, _text(context, "trained-on")))


def card_of(result: StudyResult, trained_on: str) -> ModelCard:
    """What the model's users must know; `trained_on` is shown wherever the model speaks."""
    return ModelCard(
        study=result.study,
        operating_point=result.operating_point,
        trained_on=trained_on,
        best_rounds=result.best_rounds,
    )


def _text(context: Context, name: str) -> str:
    value = context.run_config.get(name)
    if not isinstance(value, str) or not value:
        raise PneumofedError("run-config", f"the run's settings lack {name!r}; give it with --run-config")
    return value
