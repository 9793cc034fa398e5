"""What the coordinator needs torch for, computed in a process of its own.

The process of the round loop never loads torch: for the full networks that takes a minute and over 2 GB
(docs/decisions/0051). What is computed is in shared_model/initial_weights.py.
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


def load_or_create_initial_weights(path: Path, study: StudyConfig) -> Weights:
    """The study's initial weights from the file `path`, which is written first if it is missing.

    They are generated once: other machines or versions of torch give other bits, and a resumed study needs
    the same weights. If torch is loaded already, as in a simulation, no process is started. Raises
    PneumofedError `initial-weights-damaged`, `memory-short`, and those of `initial_weights`.
    """
    if not path.exists():
        write_atomically(path, save(_computed(_initial_weights, study)))
    try:
        weights: Weights = load(path.read_bytes())
    except SafetensorError:
        raise PneumofedError(
            "initial-weights-damaged",
            f"{path} cannot be read; restore it from a copy, or remove the study's folder to start again",
        ) from None
    return weights


def stage_start_weights(weights: Weights, stage: StageConfig, study: StudyConfig) -> Weights:
    """The weights that round 1 of `stage` starts from, given those that the stage before left (2.7.4).

    If torch is loaded already, no process is started. Raises PneumofedError `memory-short`.
    """
    return _computed(_start_from_patches, weights, stage, study) if stage.start_from_patches else weights


def _computed(work: Callable[..., Weights], *arguments: Any) -> Weights:
    return work(*arguments) if "torch" in sys.modules else _in_own_process(work, *arguments)


def _in_own_process(work: Callable[..., Weights], *arguments: Any) -> Weights:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        try:
            return pool.submit(work, *arguments).result()
        except BrokenProcessPool:
            raise PneumofedError(
                "memory-short",
                "the process that computes initial weights was killed; the full networks need 3 GB of free "
                "memory",
            ) from None


def _initial_weights(study: StudyConfig) -> Weights:
    from shared_model.initial_weights import initial_weights

    return initial_weights(study)


def _start_from_patches(weights: Weights, stage: StageConfig, study: StudyConfig) -> Weights:
    from shared_model.initial_weights import start_from_patches

    return start_from_patches(weights, stage.networks, study)
