"""Finds the strategy of a study by its name, or a researcher's own by its dotted path."""

from collections.abc import Mapping
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from server.strategies.fed_adam import fed_adam
from server.strategies.fed_avg import LARGEST_WEIGHT
from server.strategies.server_step import ServerStep, State, take_mean
from shared_model.errors import PneumofedError
from shared_model.strategy import FedAdamConfig
from shared_model.study import StudyConfig
from shared_model.weights import Weights


def server_step(study: StudyConfig, path: str | None = None) -> ServerStep:
    """The study's strategy, or the function at `path`, "package.module:function", instead of it.

    Raises PneumofedError `strategy-missing` if nothing can be imported from there, `strategy-failed` if the
    file raises.
    """
    if path is not None:
        return partial(_checked, _imported(path), path)
    if isinstance(study.strategy, FedAdamConfig):
        return partial(fed_adam, config=study.strategy)
    return take_mean


def _imported(path: str) -> ServerStep:
    module, _, function = path.partition(":")
    try:
        found: ServerStep = getattr(import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise PneumofedError(
            "strategy-missing", f"no strategy {path!r} can be imported; write it as package.module:function"
        ) from error
    except Exception as error:  # whatever the researcher's file raises or is
        raise _failed(path, f"{type(error).__name__}: {error}") from error
    if not callable(found):
        raise PneumofedError("strategy-missing", f"{path!r} is no function of (weights, mean, state)")
    return found


def _checked(
    function: ServerStep, path: str, weights: Weights, mean: Weights, state: State
) -> tuple[Weights, State]:
    """What `function` returns, if it is weights. It gets arrays that it cannot change.

    Raises PneumofedError `strategy-failed`.
    """
    try:
        returned, remembered = function(_read_only(weights), _read_only(mean), _read_only(state))
        # In the order of C: files and messages hold an array's memory as it lies.
        new_weights: Weights = {name: np.array(returned[name], np.float32, order="C") for name in weights}
        new_state: State = {name: np.array(a, np.float64, order="C") for name, a in remembered.items()}
    except Exception as error:
        raise _failed(path, f"{type(error).__name__}: {error}") from error
    for name, array in new_weights.items():
        if array.shape != weights[name].shape or not (np.abs(array) <= LARGEST_WEIGHT).all():
            raise _failed(path, f"{name!r} has another shape, or values beyond {LARGEST_WEIGHT:g}")
    if wrong := sorted(name for name, array in new_state.items() if not np.isfinite(array).all()):
        raise _failed(path, f"its state {wrong[0]!r} has values that are not finite")
    return new_weights, new_state


def _read_only(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    views = {name: array.view() for name, array in arrays.items()}
    for view in views.values():
        view.flags.writeable = False
    return views


def _failed(path: str, why: str) -> PneumofedError:
    return PneumofedError("strategy-failed", f"strategy {path}: {why}")
