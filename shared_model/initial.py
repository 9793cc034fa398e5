"""Where a study's weights start."""

from shared_model.config import StageConfig, StudyConfig
from shared_model.networks import build_networks
from shared_model.transport import Weights, to_weights

_LOBE_DECISION = "lobe."


def initial_weights(study: StudyConfig) -> Weights:
    """Both networks' weights before round 1: equal for equal studies on one version of torch."""
    return to_weights(build_networks(study.network, study.seed))


def covid_from_diseased(weights: Weights) -> Weights:
    """Start the COVID network from what the diseased network has learned to see.

    Everything that both have is copied but the lobe's decision itself, which asks another question.
    """
    shared = {
        name: weights[f"diseased/{name.removeprefix('covid/')}"]
        for name in weights
        if name.startswith("covid/") and not name.startswith(f"covid/{_LOBE_DECISION}")
    }
    return {**weights, **shared}


def begin_stage(weights: Weights, stage: StageConfig) -> Weights:
    """The weights that round 1 of `stage` starts from, given those that the stage before left."""
    return covid_from_diseased(weights) if stage.start_covid_from_diseased else weights
