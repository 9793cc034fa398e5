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


def attention_from_patches(weights: Weights, initial: Weights) -> Weights:
    """Let the diseased network attend at first to the patches that it takes for infected.

    Table 1 gives the bounded attention the layers of the patch infection decider, so one can start as the
    other. The lobe's decision, which knew other features, starts again from its `initial` weights.
    """
    copied = {
        name: weights[name.replace("/attention.", "/patch_infection.")]
        for name in weights
        if name.startswith("diseased/attention.")
    }
    anew = {name: initial[name] for name in weights if name.startswith(f"diseased/{_LOBE_DECISION}")}
    return {**weights, **copied, **anew}


def begin_stage(weights: Weights, study: StudyConfig, stage: StageConfig) -> Weights:
    """The weights that round 1 of `stage` starts from, given those that the stage before left."""
    if stage.start_covid_from_diseased:
        return covid_from_diseased(weights)
    if stage.start_attention_from_patches:
        return attention_from_patches(weights, initial_weights(study))
    return weights
