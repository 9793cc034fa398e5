"""Initial weights scaled to lung images, on synthetic lobes and so without a scan (LSUV).

After Mishkin and Matas (2016), "All you need is a good init": every layer is scaled, and here shifted too,
until its outputs over a few images have mean 0 and variance 1. The networks stay what Table 1 says; they only
start where gradients are sane and no unit is on, or off, for every lobe. The images are synthetic lobes,
drawn from a seed, so that the coordinator can make them. Reasons and measurements: docs/decisions/0051.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from shared_model.networks import LobeDecider, LobeNetwork

LOBES_DRAWN = 24
_SIZE = 256
_WALL = 1000.0  # soft tissue, on the scale of 2.2 where air is 0
_LEAST_DEVIATION = 1e-3  # a channel that says less than this of the lobes is not blown up
_LEAST_SHARE = 0.1  # nor a lobe's feature with less than this share of the median deviation


@dataclass(frozen=True)
class SyntheticLobes:
    """images: float32 [n, 3, 256, 256] in 0..2048; distance: float32 [n, 256, 256], Manhattan pixels."""

    images: Tensor
    distance: Tensor


def draw_synthetic_lobes(generator: torch.Generator, count: int = LOBES_DRAWN) -> SyntheticLobes:
    """Ellipses of lung in a rim of chest wall on black, with texture of several sizes and one dense blob."""

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, 1, 1, generator=generator)

    axis = torch.arange(_SIZE, dtype=torch.float32) - (_SIZE - 1) / 2
    rows, columns = axis[:, None], axis[None, :]
    height, width = uniform(45, 120), uniform(30, 90)
    radius = (rows / height) ** 2 + (columns / width) ** 2
    # Of a convex shape's outside the nearest point in Manhattan distance lies along a row or a column.
    along_row = width * (1 - (rows / height) ** 2).clamp(min=0).sqrt() - columns.abs()
    along_column = height * (1 - (columns / width) ** 2).clamp(min=0).sqrt() - rows.abs()
    distance = torch.minimum(along_row, along_column).clamp(min=0)

    texture = sum(_noise(count, cells, generator) for cells in (8, 32, 128))
    lung = uniform(100, 300)[:, None] + uniform(25, 150)[:, None] * texture
    blob = ((rows - uniform(-80, 80)) ** 2 + (columns - uniform(-60, 60)) ** 2) / uniform(10, 60) ** 2
    lung = lung + (uniform(100, 900) * torch.exp(-blob))[:, None]
    rim = torch.where(radius < 1.4, _WALL, 0.0)[:, None]
    images = torch.where((radius < 1)[:, None], lung.clamp(0, 2048), rim)
    return SyntheticLobes(images.contiguous(memory_format=torch.channels_last), distance)


def _noise(count: int, cells: int, generator: torch.Generator) -> Tensor:
    """Smooth noise [n, 3, 256, 256] with `cells` independent values along an edge; one texture a slice."""
    coarse = torch.randn(count, 3, cells, cells, generator=generator)
    return F.interpolate(coarse, size=(_SIZE, _SIZE), mode="bilinear")


def scale_layers(network: LobeNetwork, lobes: SyntheticLobes, concerned: Callable[[str], bool]) -> None:
    """Scale and shift the layers whose names are `concerned`, in the order of the forward pass.

    The decisions' own layers keep their weights: they start near "don't know". With a layer of the lobe
    decider, what that takes as its features' means and deviations is set, too.
    """
    decisions = network.decisions()
    layers = [
        module
        for name, module in network.named_modules()
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear)
        and module not in decisions
        and concerned(name)
    ]
    handles = [layer.register_forward_hook(_standardise) for layer in layers]
    if any(layer in layers for layer in network.lobe):
        handles.append(network.lobe.register_forward_pre_hook(_measure))
    network.eval()
    try:
        with torch.no_grad():
            network(lobes.images, lobes.distance, fine=True)
    finally:
        for handle in handles:
            handle.remove()


def _standardise(layer: nn.Module, _: tuple[Tensor, ...], output: Tensor) -> Tensor:
    """Forward hook: give each channel of `output` mean 0 and variance 1, and the layer the weights for it."""
    over = [d for d in range(output.dim()) if d != 1]
    mean = output.mean(over)
    deviation = output.std(over).clamp(min=_LEAST_DEVIATION)
    weight, bias = layer.get_parameter("weight"), layer.get_parameter("bias")
    outputs_at = 1 if isinstance(layer, nn.ConvTranspose2d) else 0
    weight.div_(_along(deviation, outputs_at, weight.dim()))
    bias.copy_((bias - mean) / deviation)
    return (output - _along(mean, 1, output.dim())) / _along(deviation, 1, output.dim())


def _measure(lobe: LobeDecider, inputs: tuple[Tensor, ...]) -> None:
    """Forward hook: the means and deviations of the features that come in."""
    (features,) = inputs
    deviation = features.std(dim=0)
    least = max(_LEAST_DEVIATION, _LEAST_SHARE * float(deviation.median()))
    lobe.mean.copy_(features.mean(dim=0))
    lobe.deviation.copy_(deviation.clamp(min=least))


def _along(values: Tensor, dimension: int, dimensions: int) -> Tensor:
    shape = [1] * dimensions
    shape[dimension] = -1
    return values.view(shape)
