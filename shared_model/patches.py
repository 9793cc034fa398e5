"""The two meshes of overlapping patches of Table 1: from pixels to patches and back.

Coarse patch (r, c) of the 32x32 mesh covers pixels [8r-14, 8r+22) x [8c-14, 8c+22) of the 256x256 crop;
fine patch (r, c) of the 128x128 mesh covers [2r-2, 2r+4) x [2c-2, 2c+4). Both are the receptive fields that
follow from Table 1's strides and paddings; tests verify them by gradients.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from shared_model.constants import CROP_SIZE


@dataclass(frozen=True)
class PatchMesh:
    """A mesh of count x count patches of size x size pixels, `stride` apart, the first at -`margin`."""

    count: int
    size: int
    stride: int
    margin: int

    @property
    def _overhang(self) -> int:
        """Pixels by which the last patch extends beyond the crop."""
        return (self.count - 1) * self.stride - self.margin + self.size - CROP_SIZE

    def pixels(self, index: int) -> slice:
        """The rows (or columns) inside the crop that patches of this row (or column) cover."""
        start = index * self.stride - self.margin
        return slice(max(start, 0), min(start + self.size, CROP_SIZE))

    def share(self, mask: Tensor) -> Tensor:
        """Share of each patch's size x size pixels that are set; pixels outside the crop count as not set.

        bool [n, 256, 256] -> float32 [n, count, count].
        """
        return self._reduce(torch.sum, mask.float()) / self.size**2

    def patch_minimum(self, values: Tensor) -> Tensor:
        """Minimum over the pixels of each patch; pixels outside the crop count as 0.

        float [n, 256, 256] of values >= 0 -> float [n, count, count].
        """
        return self._reduce(torch.amin, values)

    def covered(self, chosen: Tensor) -> Tensor:
        """Pixels that at least one chosen patch covers (2.8): bool [n, count, count] -> bool [n, 256, 256].

        Separable: along rows, then along columns. All edges are multiples of a block of pixels, so blocks are
        marked and enlarged at the end.
        """
        block = math.gcd(self.size, self.stride, self.margin)
        blocks = self._covered_rows(self._covered_rows(chosen, block).transpose(1, 2), block).transpose(1, 2)
        return blocks.repeat_interleave(block, 1).repeat_interleave(block, 2)

    def _covered_rows(self, chosen: Tensor, block: int) -> Tensor:
        """`covered` along rows only, in blocks: [n, count, width] -> [n, 256 / block, width]."""
        n, _, width = chosen.shape
        out = chosen.new_zeros((n, CROP_SIZE // block, width))
        for index in range(self.count):
            pixels = self.pixels(index)
            out[:, pixels.start // block : pixels.stop // block] |= chosen[:, index : index + 1]
        return out

    def _reduce(self, reduce: Callable[[Tensor, int], Tensor], images: Tensor) -> Tensor:
        """`reduce` over each patch's pixels, zeros outside the crop: [n, 256, 256] -> [n, count, count]."""
        after = self._overhang
        padded = F.pad(images, (self.margin, after, self.margin, after))
        # Sums and minima are separable: along rows, then along columns.
        return self._reduce_rows(reduce, self._reduce_rows(reduce, padded).transpose(1, 2)).transpose(1, 2)

    def _reduce_rows(self, reduce: Callable[[Tensor, int], Tensor], images: Tensor) -> Tensor:
        """`_reduce` along rows only: first over blocks that overlapping patches share, then over blocks."""
        block = math.gcd(self.size, self.stride)
        blocks = reduce(images.unflatten(1, (-1, block)), 2)
        return reduce(blocks.unfold(1, self.size // block, self.stride // block), -1)


COARSE = PatchMesh(count=32, size=36, stride=8, margin=14)
FINE = PatchMesh(count=128, size=6, stride=2, margin=2)


def coarse_maximum_per_fine_patch(coarse_values: Tensor) -> Tensor:
    """Maximum over the coarse patches that contain all of each fine patch (2.7.2).

    float [n, 32, 32] -> float [n, 128, 128].
    """

    def rows(values: Tensor) -> Tensor:
        """The same along rows only: [n, 32, width] -> [n, 128, width]."""
        n, _, width = values.shape
        out = values.new_full((n, FINE.count, width), -torch.inf)
        for index in range(COARSE.count):
            start = index * COARSE.stride - COARSE.margin + FINE.margin
            stop = index * COARSE.stride - COARSE.margin + COARSE.size - FINE.size + FINE.margin
            inside = slice(max(start // FINE.stride, 0), min(stop // FINE.stride + 1, FINE.count))
            out[:, inside] = torch.maximum(out[:, inside], values[:, index : index + 1])
        return out

    return rows(rows(coarse_values).transpose(1, 2)).transpose(1, 2)
