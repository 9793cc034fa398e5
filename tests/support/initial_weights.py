"""Initial weights and networks as the code draws and scales them, once a test process: each takes seconds."""

from copy import deepcopy
from functools import cache

from shared_model import initial_weights as drawn
from shared_model.constants import Task
from shared_model.network_weights import to_weights
from shared_model.networks import LobeNetwork
from shared_model.study import NetworkConfig, StudyConfig
from shared_model.weights import Weights


def initial_networks(config: NetworkConfig, seed: int) -> dict[Task, LobeNetwork]:
    """Networks of the caller's own."""
    return deepcopy(_initial_networks(config.model_dump_json(), seed))


def initial_weights(study: StudyConfig) -> Weights:
    """Arrays of the caller's own."""
    networks = _initial_networks(study.network.model_dump_json(), study.seed)
    return {name: array.copy() for name, array in to_weights(networks).items()}


@cache
def _initial_networks(config: str, seed: int) -> dict[Task, LobeNetwork]:
    return drawn.initial_networks(NetworkConfig.model_validate_json(config), seed)
