"""Finds the strategy of a study by its name, or a researcher's own by its dotted path."""

from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

from server.strategies.fed_adam import fed_adam
from server.strategies.server_step import ServerStep, State, take_mean
from shared_model.errors import PneumofedError
from shared_model.strategy import FedAdamConfig
from shared_model.study import StudyConfig
from shared_model.weights import Weights


def server_step(study: StudyConfig, path: str | None = None) -> ServerStep:
    """The study's strategy, or the function at `path`, "package.module:function", instead of it.

    Raises PneumofedError `strategy-missing` if nothing can be imported from there.
    """
    if path is not None:
        return partial(_checked, _imported(path), path)
    if isinstance(study.strategy, FedAdamConfig):
        return partial(fed_adam, config=study.strategy)
    return take_mean


def _imported(path: str) -> Any:
    module, _, function = path.partition(":")
    try:
        found = getattr(import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise PneumofedError(
            "strategy-missing", f"no strategy {path!r} can be imported; write it as package.module:function"
        ) from error
    if not callable(found):
        raise PneumofedError("strategy-missing", f"{path!r} is no function of (weights, mean, state)")
    return found


def _checked(
    function: ServerStep, path: str, weights: Weights, mean: Weights, state: State
) -> tuple[Weights, State]:
    """What `function` returns, if it is weights. Raises PneumofedError `strategy-failed`."""
    try:
        new_weights, new_state = function(weights, mean, state)
        new_weights = {name: np.asarray(new_weights[name], np.float32) for name in weights}
        new_state = {name: np.asarray(array, np.float64) for name, array in new_state.items()}
    except Exception as error:
        raise PneumofedError(
            "strategy-failed", f"strategy {path}: {type(error).__name__}: {error}"
        ) from error
    wrong = [n for n, a in new_weights.items() if a.shape != weights[n].shape or not np.isfinite(a).all()]
    if wrong:
        raise PneumofedError(
            "strategy-failed",
            f"strategy {path}: {wrong[0]!r} has another shape or values that are not finite",
        )
    return new_weights, new_state
