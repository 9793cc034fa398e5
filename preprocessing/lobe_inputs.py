"""The networks' input of a scan's lobes, made when it is read (2.3, 2.4, 2.7.2).

All lobes of a scan at once take more memory than the scan itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from preprocessing.crop import Crop, crop_for_box, write_crop
from preprocessing.image_ops import histogram
from preprocessing.lung_density import density_correction, normal_lung_level
from preprocessing.lungs.lobes import Lobe
from preprocessing.periphery import periphery_distance
from preprocessing.semi_infection import (
    density_semi_infection_mask,
    paper_semi_infection_mask,
    semi_infection_bounds,
)
from preprocessing.settings import DEFAULT_SETTINGS, PreprocessingSettings
from preprocessing.store.scan_record import LobeArrays
from shared_model.constants import CROP_SIZE, FULL_SCALE


@dataclass(frozen=True)
class LobeInputs:
    """Reads the networks' input of lobes of one scan; `crops` are in the order of `lobes`.

    `images` uint16 [slice, row, column] after 2.2; `correction` uint16 [2049], which maps the density of the
    scan, or None as in the paper; `bounds` of the paper's semi-infection mask, or None.
    """

    images: NDArray[np.uint16]
    lobes: tuple[Lobe, ...]
    crops: tuple[Crop, ...]
    correction: NDArray[np.uint16] | None
    bounds: tuple[int, int] | None

    @classmethod
    def of(
        cls,
        images: NDArray[np.uint16],
        lobes: Sequence[Lobe],
        settings: PreprocessingSettings = DEFAULT_SETTINGS,
    ) -> "LobeInputs":
        """Of all lobes of a scan; their grey values are counted, as `settings.breath` needs them."""
        crops = tuple(crop_for_box(lobe.box) for lobe in lobes)
        counts, lung = np.zeros(FULL_SCALE + 1, np.int64), np.zeros(FULL_SCALE + 1, np.int64)
        for lobe, crop in zip(lobes, crops, strict=True):
            own, mask = _plane(images, lobe, crop, lobe.slice), _mask(lobe, crop)
            counts += histogram(own, FULL_SCALE + 1)
            lung += histogram(own * mask, FULL_SCALE + 1)
        counts[0] = lung[0] = 0  # the black canvas around a crop
        if settings.breath == "paper":
            return cls(images, tuple(lobes), crops, None, semi_infection_bounds(counts))
        return cls(images, tuple(lobes), crops, density_correction(normal_lung_level(counts, lung)), None)

    def read(self, chosen: Sequence[int]) -> LobeArrays:
        """The networks' input of the lobes with these indices, in their order."""
        planes = np.empty((len(chosen), 3, CROP_SIZE, CROP_SIZE), np.uint16)
        masks = np.empty((len(chosen), CROP_SIZE, CROP_SIZE), np.bool_)
        distances = np.empty(masks.shape, np.uint8)
        for place, number in enumerate(chosen):
            lobe, crop = self.lobes[number], self.crops[number]
            for plane, step in enumerate((-1, 0, 1)):
                neighbour = min(max(lobe.slice + step, 0), len(self.images) - 1)
                planes[place, plane] = _plane(self.images, lobe, crop, neighbour)
            masks[place] = _mask(lobe, crop)
            distances[place] = periphery_distance(masks[place])
        if self.bounds is not None:
            semi = paper_semi_infection_mask(planes[:, 1], masks, self.bounds)
            return LobeArrays(planes, masks, distances, semi)
        if self.correction is not None:
            planes = self.correction[planes]
        return LobeArrays(planes, masks, distances, density_semi_infection_mask(planes[:, 1], masks))


def _plane(images: NDArray[np.uint16], lobe: Lobe, crop: Crop, number: int) -> NDArray[np.uint16]:
    """The lobe's box in slice `number`, in the middle of a black image [256, 256]."""
    row0, column0, row1, column1 = lobe.box
    plane = np.zeros((CROP_SIZE, CROP_SIZE), np.uint16)
    write_crop(images[number, row0:row1, column0:column1], crop, plane)
    return plane


def _mask(lobe: Lobe, crop: Crop) -> NDArray[np.bool_]:
    mask = np.zeros((CROP_SIZE, CROP_SIZE), np.bool_)
    write_crop(lobe.mask, crop, mask)
    return mask
