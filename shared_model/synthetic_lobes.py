"""Synthetic lung images drawn from a seed, to scale initial weights without any patient's scan."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from shared_model.constants import CROP_SIZE, FULL_SCALE

LOBE_COUNT = 24
_SOFT_TISSUE = 1000.0  # chest wall, on the scale of 2.2 where air is 0


@dataclass(frozen=True)
class SyntheticLobes:
    """images: float32 [n, 3, 256, 256] in 0..2048; distance: float32 [n, 256, 256], Manhattan pixels."""

    images: Tensor
    distance: Tensor


def draw_synthetic_lobes(generator: torch.Generator, count: int = LOBE_COUNT) -> SyntheticLobes:
    """Ellipses of lung in a rim of chest wall on black, with texture at several scales and one dense blob."""

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, 1, 1, generator=generator)

    axis = torch.arange(CROP_SIZE, dtype=torch.float32) - (CROP_SIZE - 1) / 2
    rows, columns = axis[:, None], axis[None, :]
    height, width = uniform(45, 120), uniform(30, 90)
    radius = (rows / height) ** 2 + (columns / width) ** 2
    # The point outside a convex shape that is nearest in Manhattan distance lies along a row or a column.
    along_row = width * (1 - (rows / height) ** 2).clamp(min=0).sqrt() - columns.abs()
    along_column = height * (1 - (columns / width) ** 2).clamp(min=0).sqrt() - rows.abs()
    distance = torch.minimum(along_row, along_column).clamp(min=0)

    texture = sum(_noise(count, cells, generator) for cells in (8, 32, 128))
    lung = uniform(100, 300)[:, None] + uniform(25, 150)[:, None] * texture
    blob = ((rows - uniform(-80, 80)) ** 2 + (columns - uniform(-60, 60)) ** 2) / uniform(10, 60) ** 2
    lung = lung + (uniform(100, 900) * torch.exp(-blob))[:, None]
    rim = torch.where(radius < 1.4, _SOFT_TISSUE, 0.0)[:, None]
    images = torch.where((radius < 1)[:, None], lung.clamp(0, FULL_SCALE), rim)
    return SyntheticLobes(images.contiguous(memory_format=torch.channels_last), distance)


def _noise(count: int, cells: int, generator: torch.Generator) -> Tensor:
    """Smooth noise [n, 3, 256, 256] from a grid of cells x cells random values, one per slice."""
    coarse = torch.randn(count, 3, cells, cells, generator=generator)
    return F.interpolate(coarse, size=(CROP_SIZE, CROP_SIZE), mode="bilinear")
