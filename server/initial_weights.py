"""Where a study's weights start, worked out in a process of its own where torch is not loaded.

For the full networks torch takes a minute and 2.3 GB (docs/decisions/0051); the process that holds the
round loop never loads torch.
"""

import multiprocessing
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.numpy import load, save

from shared_model.errors import PneumofedError
from shared_model.files import write_atomically
from shared_model.study import StudyConfig
from shared_model.study_stage import StageConfig
from shared_model.weights import Weights


def starting_weights(path: Path, study: StudyConfig) -> Weights:
    """The study's initial weights from the file `path`, which is made where it is not there.

    They are drawn once: another machine or torch would draw other bits, and a study goes on from its own.
    Raises PneumofedError `initial-weights-damaged`, `memory-short`, and those of `initial_weights`.
    """
    if not path.exists():
        write_atomically(path, save(_in_own_process(_initial, study)))
    try:
        weights: Weights = load(path.read_bytes())
    except SafetensorError:
        raise PneumofedError(
            "initial-weights-damaged",
            f"{path} cannot be read; bring it back from a copy, or remove the study's folder to begin anew",
        ) from None
    return weights


def begin_stage(weights: Weights, stage: StageConfig, study: StudyConfig) -> Weights:
    """The weights that round 1 of `stage` starts from, given those that the stage before left.

    Where torch is loaded already, as in the demo, a process of its own would save nothing.
    Raises PneumofedError `memory-short`.
    """
    if not stage.start_from_patches:
        return weights
    if "torch" in sys.modules:
        return _begin(weights, stage, study)
    return _in_own_process(_begin, weights, stage, study)


def _in_own_process(work: Callable[..., Weights], *arguments: Any) -> Weights:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        try:
            return pool.submit(work, *arguments).result()
        except BrokenProcessPool:
            raise PneumofedError(
                "memory-short",
                "the process that draws initial weights was ended from outside; the full networks need 3 GB "
                "of free memory",
            ) from None


def _initial(study: StudyConfig) -> Weights:
    from shared_model.initial_weights import initial_weights

    return initial_weights(study)


def _begin(weights: Weights, stage: StageConfig, study: StudyConfig) -> Weights:
    from shared_model import initial_weights

    return initial_weights.begin_stage(weights, stage, study)
