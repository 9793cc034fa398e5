"""Layer-sequential scaling of initial weights (LSUV) on synthetic lobes.

After Mishkin and Matas (2016), "All you need is a good init": each layer is scaled, and here also shifted,
until its outputs over a few images have mean 0 and variance 1. The architecture is that of Table 1; only the
starting point changes, so that gradients are well conditioned and no unit is always on or always off. The
images are synthetic, so the coordinator can draw them. Reasons and measurements: docs/decisions/0051.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from shared_model.networks import LobeDecider, LobeNetwork
from shared_model.synthetic_lobes import SyntheticLobes

_MIN_DEVIATION = 1e-3  # a channel that varies less is not amplified to variance 1
_MIN_RELATIVE_DEVIATION = 0.1  # likewise a lobe feature, relative to the median deviation of all features


def scale_layers(network: LobeNetwork, lobes: SyntheticLobes, selects: Callable[[str], bool]) -> None:
    """Scale and shift, in forward order, the layers of `network` whose names `selects` accepts.

    Output layers keep their weights: they start near a probability of 1/2. If a layer of the lobe decider is
    selected, the decider's feature means and deviations are set too.
    """
    output_layers = network.output_layers()
    layers = [
        module
        for name, module in network.named_modules()
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear)
        and module not in output_layers
        and selects(name)
    ]
    handles = [layer.register_forward_hook(_standardise_output) for layer in layers]
    if any(layer in layers for layer in network.lobe):
        handles.append(network.lobe.register_forward_pre_hook(_set_feature_statistics))
    network.eval()
    try:
        with torch.no_grad():
            network(lobes.images, lobes.distance, fine=True)
    finally:
        for handle in handles:
            handle.remove()


def _standardise_output(layer: nn.Module, _: tuple[Tensor, ...], output: Tensor) -> Tensor:
    """Forward hook: adapt the layer so that each channel of `output` has mean 0 and variance 1, and return
    that output."""
    over = [d for d in range(output.dim()) if d != 1]
    mean = output.mean(over)
    deviation = output.std(over).clamp(min=_MIN_DEVIATION)
    weight, bias = layer.get_parameter("weight"), layer.get_parameter("bias")
    output_dimension = 1 if isinstance(layer, nn.ConvTranspose2d) else 0
    weight.div_(_along(deviation, output_dimension, weight.dim()))
    bias.copy_((bias - mean) / deviation)
    return (output - _along(mean, 1, output.dim())) / _along(deviation, 1, output.dim())


def _set_feature_statistics(decider: LobeDecider, inputs: tuple[Tensor, ...]) -> None:
    """Forward pre-hook: set the decider's `mean` and `deviation` to those of its input features."""
    (features,) = inputs
    deviation = features.std(dim=0)
    minimum = max(_MIN_DEVIATION, _MIN_RELATIVE_DEVIATION * float(deviation.median()))
    decider.mean.copy_(features.mean(dim=0))
    decider.deviation.copy_(deviation.clamp(min=minimum))


def _along(values: Tensor, dimension: int, dimensions: int) -> Tensor:
    """`values` [channel] shaped to broadcast along `dimension` of a tensor with so many `dimensions`."""
    shape = [1] * dimensions
    shape[dimension] = -1
    return values.view(shape)
