"""Initial weights of the networks, and of lobe decisions that start from trained patch decisions (2.7.4).

Computed on one thread, so that they do not depend on the number of cores.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from shared_model.constants import TASKS, Task
from shared_model.layer_scaling import draw_synthetic_lobes, scale_layers
from shared_model.network_weights import Weights, load_weights, to_weights
from shared_model.networks import LobeNetwork, PatchFeatureExtractor, make_networks
from shared_model.pretrained import vgg16_state
from shared_model.study import NetworkConfig, StudyConfig
from shared_model.threads import one_thread

_PATCH_FEATURES = "patch_features."
_FEATURES = (_PATCH_FEATURES, "vicinity_features.")
_PATCH_DECIDER, _ATTENTION, _LOBE_DECIDER = "patch_infection.", "attention.", "lobe."


def initial_weights(study: StudyConfig) -> Weights:
    """Both networks' weights before round 1: equal for equal studies on one machine and version of torch.

    Raises PneumofedError `init-missing` where the study names VGG-16 weights that cannot be had.
    """
    return to_weights(initial_networks(study.network, study.seed))


@one_thread()
def initial_networks(config: NetworkConfig, seed: int) -> dict[Task, LobeNetwork]:
    """The networks with their initial weights: VGG-16's where `config` says so, and He et al. (2015),
    calibrated, for all other layers.
    """
    networks = make_networks(config)
    given = {} if config.init == "random" else vgg16_state(config.init)
    for network, generator in zip(networks.values(), _generators(seed), strict=True):
        _draw(network, network.decisions(), generator)
        if given:
            _load_vgg16(network.patch_features, given)
        scale_layers(
            network,
            draw_synthetic_lobes(generator),
            concerned=lambda layer: not (given and layer.startswith(_PATCH_FEATURES)),
        )
    return networks


@one_thread()
def start_from_patches(weights: Weights, networks: Sequence[Task], study: StudyConfig) -> Weights:
    """Start the lobe decisions of `networks` from what the patch decider has learned to see.

    Each gets the diseased network's patch and vicinity features, and attends where that network sees
    infection. The lobe decider, which asks another question, is drawn anew and calibrated to what it now
    gets.
    """
    models = make_networks(study.network)
    load_weights(models, weights)
    seen = models["diseased"].state_dict()
    shared = {name: array for name, array in seen.items() if name.startswith(_FEATURES)}
    attention = {
        name.replace(_PATCH_DECIDER, _ATTENTION): array
        for name, array in seen.items()
        if name.startswith(_PATCH_DECIDER)
    }
    for network, generator in zip(TASKS, _generators(study.seed), strict=True):
        if network in networks:
            model = models[network]
            model.load_state_dict(model.state_dict() | shared | attention)
            _draw(model.lobe, model.decisions(), generator)
            scale_layers(
                model, draw_synthetic_lobes(generator), lambda layer: layer.startswith(_LOBE_DECIDER)
            )
    return to_weights(models)


def _generators(seed: int) -> list[torch.Generator]:
    """One generator a network."""
    return [torch.Generator().manual_seed(len(TASKS) * seed + i) for i in range(len(TASKS))]


def _draw(module: nn.Module, decisions: Sequence[nn.Module], generator: torch.Generator) -> None:
    """He et al. (2015) for all layers of `module`; decisions, a tenth of it, start near "don't know"."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
            nn.init.zeros_(layer.get_parameter("bias"))
            if layer in decisions:
                with torch.no_grad():
                    layer.weight.mul_(0.1)


# Where VGG-16 (torchvision's `features`) keeps the six convolutions of the patch feature extractor.
_VGG16_CONVOLUTIONS = {
    "block1.0": 0, "block1.2": 2, "block2.0": 5, "block2.2": 7, "block3.0": 10, "block3.2": 12,
}  # fmt: skip


def _load_vgg16(extractor: PatchFeatureExtractor, state: Mapping[str, Tensor]) -> None:
    with torch.no_grad():
        for name, index in _VGG16_CONVOLUTIONS.items():
            layer = extractor.get_submodule(name)
            layer.get_parameter("weight").copy_(state[f"features.{index}.weight"])
            layer.get_parameter("bias").copy_(state[f"features.{index}.bias"])
