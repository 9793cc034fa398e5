"""Initial weights of the networks, and of lobe decisions that start from trained patch decisions (2.7.4).

Computed on one thread, so that they do not depend on the number of CPU cores.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from shared_model.constants import TASKS, Task
from shared_model.layer_scaling import scale_layers
from shared_model.network_weights import load_weights, to_weights
from shared_model.networks import LobeNetwork, PatchFeatureExtractor, make_networks
from shared_model.pretrained import vgg16_state
from shared_model.study import NetworkConfig, StudyConfig
from shared_model.synthetic_lobes import draw_synthetic_lobes
from shared_model.threads import one_thread
from shared_model.weights import Weights

_PATCH_FEATURES = "patch_features."
_FEATURES = (_PATCH_FEATURES, "vicinity_features.")
_PATCH_DECIDER, _ATTENTION, _LOBE_DECIDER = "patch_infection.", "attention.", "lobe."


def initial_weights(study: StudyConfig) -> Weights:
    """Both networks' weights before round 1, reproducible on one machine and version of torch.

    Raises PneumofedError `init-missing` if the study's VGG-16 weights are not available.
    """
    return to_weights(initial_networks(study.network, study.seed))


@one_thread()
def initial_networks(config: NetworkConfig, seed: int) -> dict[Task, LobeNetwork]:
    """The networks with initial weights: VGG-16's for the first six convolutions if `config` says so, and
    He et al. (2015), scaled by `scale_layers`, for all other layers.
    """
    networks = make_networks(config)
    pretrained = {} if config.init == "random" else vgg16_state(config.init)
    for network, generator in zip(networks.values(), _generators(seed), strict=True):
        _draw_weights(network, network.output_layers(), generator)
        if pretrained:
            _load_vgg16(network.patch_features, pretrained)
        scale_layers(
            network,
            draw_synthetic_lobes(generator),
            selects=lambda layer: not (pretrained and layer.startswith(_PATCH_FEATURES)),
        )
    return networks


@one_thread()
def start_from_patches(weights: Weights, networks: Sequence[Task], study: StudyConfig) -> Weights:
    """Initialise the lobe decisions of `networks` from the patch infection that was learned.

    Each of `networks` gets the diseased network's patch and vicinity features, and its patch infection
    decider as attention. The lobe decider is drawn anew and scaled to the features that it now receives.
    """
    models = make_networks(study.network)
    load_weights(models, weights)
    diseased = models["diseased"].state_dict()
    features = {name: array for name, array in diseased.items() if name.startswith(_FEATURES)}
    attention = {
        name.replace(_PATCH_DECIDER, _ATTENTION): array
        for name, array in diseased.items()
        if name.startswith(_PATCH_DECIDER)
    }
    for network, generator in zip(TASKS, _generators(study.seed), strict=True):
        if network in networks:
            model = models[network]
            model.load_state_dict(model.state_dict() | features | attention)
            _draw_weights(model.lobe, model.output_layers(), generator)
            scale_layers(
                model, draw_synthetic_lobes(generator), lambda layer: layer.startswith(_LOBE_DECIDER)
            )
    return to_weights(models)


def _generators(seed: int) -> list[torch.Generator]:
    """One generator per network."""
    return [torch.Generator().manual_seed(len(TASKS) * seed + i) for i in range(len(TASKS))]


def _draw_weights(module: nn.Module, output_layers: Sequence[nn.Module], generator: torch.Generator) -> None:
    """He et al. (2015) for all layers of `module`; a tenth of that for `output_layers`, so that probabilities
    start near 1/2."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
            nn.init.zeros_(layer.get_parameter("bias"))
            if layer in output_layers:
                with torch.no_grad():
                    layer.weight.mul_(0.1)


# Names of the six convolutions in the patch feature extractor, and their indices in torchvision's VGG-16.
_VGG16_CONVOLUTIONS = {
    "block1.0": 0, "block1.2": 2, "block2.0": 5, "block2.2": 7, "block3.0": 10, "block3.2": 12,
}  # fmt: skip


def _load_vgg16(extractor: PatchFeatureExtractor, state: Mapping[str, Tensor]) -> None:
    with torch.no_grad():
        for name, index in _VGG16_CONVOLUTIONS.items():
            layer = extractor.get_submodule(name)
            layer.get_parameter("weight").copy_(state[f"features.{index}.weight"])
            layer.get_parameter("bias").copy_(state[f"features.{index}.bias"])
