"""The patch features of lobes without convolving the black round them: the same figures from fewer pixels.

A lobe fills half of its crop or less; the rest is black (2.3). What a convolution makes of black is the same
everywhere but at the crop's edge: it is computed once, of a small black image, and set round what is computed
of each lobe's rectangle. Features and gradients are those of the whole crop within rounding.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from shared_model.rectangle import Rectangle, Span

TOGETHER = 4  # lobes of similar size that share a rectangle: more waste pixels, fewer waste calls
ROUNDING = 8  # pixels: few sizes of rectangles, as the libraries prepare a convolution anew for each
BLACK = 64  # pixels: a small black image whose middle patches do not see its edge


def block_features(
    blocks: Sequence[nn.Module], images: Tensor, *, black: float, every_block: bool
) -> list[Tensor]:
    """The last block's output, or every block's, for lobes within a border of value `black`.

    blocks: each two 3x3 convolutions and a 2x2 maximum; images: [n, channels, size, size], a multiple of
    ROUNDING and BLACK at least. Returns [n, channels, ...] at 1/2, 1/4, ... of size.
    """
    rectangles = lit_rectangles(images, black)
    order = sorted(range(len(images)), key=lambda lobe: rectangles[lobe].area)
    borders = _borders(blocks, images, black)
    parts = []
    for start in range(0, len(order), TOGETHER):
        lobes = order[start : start + TOGETHER]
        rectangle = Rectangle.around([rectangles[lobe] for lobe in lobes])
        parts.append(_in_rectangle(blocks, images[lobes], rectangle, borders, every_block=every_block))
    back = sorted(range(len(order)), key=order.__getitem__)
    return [torch.cat(level)[back] for level in zip(*parts, strict=True)]


def lit_rectangles(images: Tensor, black: float) -> list[Rectangle]:
    """For each of [n, channels, size, size] the rectangle outside which all is `black`, never empty."""
    # Bytes and maxima: `any` takes six times as long on a processor.
    lit = (images.permute(0, 2, 3, 1) != black).view(torch.uint8)
    rows = lit.flatten(2).amax(dim=2).cpu()
    columns = lit.flatten(2).amax(dim=1).unflatten(1, lit.shape[2:]).amax(dim=2).cpu()
    return [Rectangle(_lit_span(r), _lit_span(c)) for r, c in zip(rows, columns, strict=True)]


def _lit_span(lit: Tensor) -> Span:
    found = lit.nonzero()
    first, last = (int(found[0]), int(found[-1])) if len(found) else (len(lit) // 2, len(lit) // 2)
    return Span(first // ROUNDING * ROUNDING, (last // ROUNDING + 1) * ROUNDING)


def _borders(blocks: Sequence[nn.Module], images: Tensor, black: float) -> list[Tensor]:
    """What each block makes of a black crop as large as `images`: [1, channels, ...]."""
    values = images.new_full((1, images.shape[1], BLACK, BLACK), black)
    maps, size = [], images.shape[-1]
    for block in blocks:
        values, size = block(values), size // 2
        maps.append(_widened(values, size))
    return maps


def _widened(small: Tensor, size: int) -> Tensor:
    """The small map's own pixels from the edges inwards; its middle stands for all between."""
    half = small.shape[-1] // 2
    index = torch.arange(size, device=small.device)
    index = index.clamp(max=half) + (index - (size - half)).clamp(min=0)
    return small[:, :, index[:, None], index]


def _in_rectangle(
    blocks: Sequence[nn.Module],
    images: Tensor,
    rectangle: Rectangle,
    borders: Sequence[Tensor],
    *,
    every_block: bool,
) -> list[Tensor]:
    """The last block's whole output, or every block's, for lobes that lie inside `rectangle`."""
    values, size, outputs = images, images.shape[-1], []
    at = Rectangle.whole(size)
    for block, border in zip(blocks, borders, strict=True):
        touched = rectangle.touched(size)
        needed = touched.needed(size)
        computed = touched.of(block(needed.of(values, origin=at)), origin=needed.halved())
        rectangle, size = touched, size // 2
        whole = every_block or block is blocks[-1]
        at = Rectangle.whole(size) if whole else rectangle.touched(size).needed(size)
        values = at.of(border).expand(len(images), -1, -1, -1).clone(memory_format=torch.channels_last)
        rectangle.of(values, origin=at).copy_(computed)
        outputs.append(values)
    return outputs if every_block else outputs[-1:]
