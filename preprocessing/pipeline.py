"""Prepares one series in memory, through all steps; used by `prepare` and `diagnose`."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from preprocessing.batch_effect import remove_batch_effect
from preprocessing.chest_check import check_chest
from preprocessing.crop import Crop, crop_for_box, write_crop
from preprocessing.lung_density import density_correction, normal_lung_level
from preprocessing.lungs.lobes import Lobe, find_lobes
from preprocessing.periphery import periphery_distance
from preprocessing.reading.series import CtSeries
from preprocessing.reading.volume import load_volume
from preprocessing.semi_infection import (
    density_semi_infection_mask,
    paper_semi_infection_mask,
    semi_infection_bounds,
)
from preprocessing.settings import DEFAULT_SETTINGS, PreprocessingSettings
from preprocessing.store.scan_record import LobeArrays, ScanRecord
from shared_model.constants import CROP_SIZE


@dataclass(frozen=True)
class SegmentedScan:
    """A scan of a chest after lung segmentation.

    `images` uint16 [slice, row, column] after 2.2; `spacing_mm` (slice, row, column); `z_mm` float64
    [slice]; `flags` of the series and of the lungs, sorted; `lobes` in order of (slice, side).
    """

    images: NDArray[np.uint16]
    spacing_mm: tuple[float, float, float]
    z_mm: NDArray[np.float64]
    flags: tuple[str, ...]
    lobes: tuple[Lobe, ...]


@dataclass(frozen=True)
class PreparedScan(SegmentedScan):
    """A scan ready for the networks; `crops` and `arrays` are in the order of `lobes`."""

    crops: tuple[Crop, ...]
    arrays: LobeArrays

    @property
    def digest(self) -> bytes:
        """A hash of the grey values after 2.2: equal for equal pixels, whatever the header says."""
        return hashlib.sha256(np.ascontiguousarray(self.images).data).digest()

    def record(
        self, *, key: str, fold: float, label: str, source: str = "", pixels: str = "", flag: str = ""
    ) -> ScanRecord:
        """The record of this scan with its pseudonyms `key`, `source` and `pixels`, `fold`, `label`, and one
        more flag.
        """
        return ScanRecord(
            key=key,
            fold=fold,
            label=label,
            slices=len(self.images),
            spacing_mm=self.spacing_mm,
            shape=(self.images.shape[1], self.images.shape[2]),
            slice_index=np.array([lobe.slice for lobe in self.lobes], np.int16),
            side=np.array([lobe.side for lobe in self.lobes], np.uint8),
            box=np.array([lobe.box for lobe in self.lobes], np.int16),
            scale=np.array([crop.scale for crop in self.crops], np.float32),
            offset=np.array([crop.offset for crop in self.crops], np.int16),
            area=np.array([lobe.area for lobe in self.lobes], np.int32),
            flags=tuple(sorted({*self.flags, flag} - {""})),
            source=source,
            pixels=pixels,
        )


def find_scan_lobes(series: CtSeries, settings: PreprocessingSettings = DEFAULT_SETTINGS) -> SegmentedScan:
    """Load a series and find its lobes (2.2, 2.3).

    Raises what load_volume, remove_batch_effect and check_chest raise: a scan without a chest has no lobes.
    """
    volume = load_volume(series)
    images = remove_batch_effect(volume)
    lobes = find_lobes(images, volume.spacing_mm, method=settings.lobes)
    flags = sorted((*volume.flags, *check_chest(lobes, images, volume.spacing_mm)))
    return SegmentedScan(images, volume.spacing_mm, volume.z_mm, tuple(flags), tuple(lobes))


def prepare_series(series: CtSeries, settings: PreprocessingSettings) -> PreparedScan:
    """Prepare one series for the networks: 2.2, 2.3 and the semi-infection masks of 2.7.2.

    Raises what find_scan_lobes raises.
    """
    scan = find_scan_lobes(series, settings)
    crops = tuple(crop_for_box(lobe.box) for lobe in scan.lobes)
    arrays = lobe_arrays(scan.images, scan.lobes, crops, settings)
    return PreparedScan(
        scan.images, scan.spacing_mm, scan.z_mm, scan.flags, scan.lobes, crops=crops, arrays=arrays
    )


def lobe_arrays(
    images: NDArray[np.uint16],
    lobes: Sequence[Lobe],
    crops: Sequence[Crop],
    settings: PreprocessingSettings = DEFAULT_SETTINGS,
) -> LobeArrays:
    """The networks' input for each lobe of a scan (2.3, 2.4, 2.7.2); density as `settings.breath` says.

    `images` is uint16 [slice, row, column] after 2.2, and is not changed.
    """
    planes = np.zeros((len(lobes), 3, CROP_SIZE, CROP_SIZE), np.uint16)
    masks = np.zeros((len(lobes), CROP_SIZE, CROP_SIZE), np.bool_)
    for number, (lobe, crop) in enumerate(zip(lobes, crops, strict=True)):
        row0, column0, row1, column1 = lobe.box
        for place, step in enumerate((-1, 0, 1)):
            neighbour = images[min(max(lobe.slice + step, 0), len(images) - 1)]
            write_crop(neighbour[row0:row1, column0:column1], crop, planes[number, place])
        write_crop(lobe.mask, crop, masks[number])
    distances = np.stack([periphery_distance(mask) for mask in masks])
    own = planes[:, 1]
    if settings.breath == "paper":
        semi = paper_semi_infection_mask(own, masks, semi_infection_bounds(own))
    else:
        planes = density_correction(normal_lung_level(own, masks))[planes]
        semi = density_semi_infection_mask(planes[:, 1], masks)
    return LobeArrays(planes, masks, distances, semi)
