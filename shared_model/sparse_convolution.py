"""Patch features of lobes without convolving the black border around them: equal results from fewer pixels.

A lobe fills at most about half of its crop; the rest is black (2.3). The features of black pixels are equal
everywhere except near the crop's edge. They are computed once, on a small black image, and fill the maps
outside the rectangle that each lobe affects. Features and gradients equal those of the whole crop up to
rounding (docs/decisions/0053).
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from shared_model.rectangle import Rectangle, Span

LOBES_PER_RECTANGLE = 4  # lobes of similar size share a rectangle: fewer calls for a few more pixels
RECTANGLE_MULTIPLE = 8  # pixels: few distinct sizes, as libraries prepare a convolution for each new one
BLACK_IMAGE_SIZE = 64  # pixels: large enough that features in the middle do not see the edge


def block_features(
    blocks: Sequence[nn.Module], images: Tensor, *, black: float, every_block: bool
) -> list[Tensor]:
    """Outputs of the last block, or of every block, for lobes within a border of value `black`.

    blocks: each two 3x3 convolutions and 2x2 max pooling. images: [n, channels, size, size], size a multiple
    of RECTANGLE_MULTIPLE and at least BLACK_IMAGE_SIZE. Returns maps [n, channels, ...] at 1/2, 1/4, ... of
    size.
    """
    rectangles = foreground_rectangles(images, black)
    order = sorted(range(len(images)), key=lambda lobe: rectangles[lobe].area)
    black_maps = _black_features(blocks, images, black)
    parts = []
    for start in range(0, len(order), LOBES_PER_RECTANGLE):
        lobes = order[start : start + LOBES_PER_RECTANGLE]
        rectangle = Rectangle.enclosing([rectangles[lobe] for lobe in lobes])
        parts.append(_lobe_features(blocks, images[lobes], rectangle, black_maps, every_block=every_block))
    original_order = sorted(range(len(order)), key=order.__getitem__)
    return [torch.cat(level)[original_order] for level in zip(*parts, strict=True)]


def foreground_rectangles(images: Tensor, black: float) -> list[Rectangle]:
    """For each of `images` [n, channels, size, size] a rectangle, never empty, that contains all pixels other
    than `black`."""
    # uint8 and amax: `any` takes six times as long on a CPU.
    foreground = (images.permute(0, 2, 3, 1) != black).view(torch.uint8)
    rows = foreground.flatten(2).amax(dim=2).cpu()
    columns = foreground.flatten(2).amax(dim=1).unflatten(1, foreground.shape[2:]).amax(dim=2).cpu()
    return [Rectangle(_foreground_span(r), _foreground_span(c)) for r, c in zip(rows, columns, strict=True)]


def _foreground_span(foreground: Tensor) -> Span:
    found = foreground.nonzero()
    middle = len(foreground) // 2
    first, last = (int(found[0]), int(found[-1])) if len(found) else (middle, middle)
    step = RECTANGLE_MULTIPLE
    return Span(first // step * step, (last // step + 1) * step)


def _black_features(blocks: Sequence[nn.Module], images: Tensor, black: float) -> list[Tensor]:
    """Each block's output for an all-black image of the size of `images`: [1, channels, ...]."""
    values = images.new_full((1, images.shape[1], BLACK_IMAGE_SIZE, BLACK_IMAGE_SIZE), black)
    maps, size = [], images.shape[-1]
    for block in blocks:
        values, size = block(values), size // 2
        maps.append(_enlarge_from_middle(values, size))
    return maps


def _enlarge_from_middle(small: Tensor, size: int) -> Tensor:
    """`small` [1, channels, row, column] enlarged to `size` by repeating its middle row and column."""
    half = small.shape[-1] // 2
    index = torch.arange(size, device=small.device)
    index = index.clamp(max=half) + (index - (size - half)).clamp(min=0)
    return small[:, :, index[:, None], index]


def _lobe_features(
    blocks: Sequence[nn.Module],
    images: Tensor,
    rectangle: Rectangle,
    black_maps: Sequence[Tensor],
    *,
    every_block: bool,
) -> list[Tensor]:
    """Full maps of the last block, or of every block, for lobes whose foreground lies in `rectangle`.

    Between blocks only the part `held` of a map is kept, which is what the next block needs.
    """
    values, size, outputs = images, images.shape[-1], []
    held = Rectangle.full(size)
    for block, black_map in zip(blocks, black_maps, strict=True):
        affected = rectangle.affected_outputs(size)
        inputs = affected.required_inputs(size)
        computed = affected.crop(block(inputs.crop(values, origin=held)), origin=inputs.pooled())
        rectangle, size = affected, size // 2
        is_output = every_block or block is blocks[-1]
        held = Rectangle.full(size) if is_output else rectangle.affected_outputs(size).required_inputs(size)
        values = held.crop(black_map).expand(len(images), -1, -1, -1)
        values = values.clone(memory_format=torch.channels_last)
        rectangle.crop(values, origin=held).copy_(computed)
        outputs.append(values)
    return outputs if every_block else outputs[-1:]
