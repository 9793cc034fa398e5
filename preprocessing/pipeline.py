"""Prepares one series in memory, through all steps; used by `prepare` and `diagnose`."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from preprocessing.batch_effect import remove_batch_effect
from preprocessing.chest_check import check_chest
from preprocessing.crop import Crop
from preprocessing.lobe_inputs import LobeInputs
from preprocessing.lungs.lobes import Lobe, find_lobes
from preprocessing.reading.series import CtSeries
from preprocessing.reading.volume import load_volume
from preprocessing.settings import DEFAULT_SETTINGS, PreprocessingSettings
from preprocessing.store.scan_record import LobeArrays, ScanRecord


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
    """A scan ready for the networks, which read its lobes from `inputs`."""

    inputs: LobeInputs

    @property
    def crops(self) -> tuple[Crop, ...]:
        """In the order of `lobes`."""
        return self.inputs.crops

    @cached_property
    def arrays(self) -> LobeArrays:
        """The networks' input of all lobes, in the order of `lobes`."""
        return self.inputs.read(range(len(self.lobes)))

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
    spacing_mm, z_mm, flags = volume.spacing_mm, volume.z_mm, volume.flags
    images = remove_batch_effect(volume)
    del volume  # finding the lobes needs its memory
    lobes = find_lobes(images, spacing_mm, method=settings.lobes)
    flags = tuple(sorted((*flags, *check_chest(lobes, images, spacing_mm))))
    return SegmentedScan(images, spacing_mm, z_mm, flags, tuple(lobes))


def prepare_series(series: CtSeries, settings: PreprocessingSettings) -> PreparedScan:
    """Prepare one series for the networks: 2.2, 2.3 and the semi-infection masks of 2.7.2.

    Raises what find_scan_lobes raises.
    """
    scan = find_scan_lobes(series, settings)
    inputs = LobeInputs.of(scan.images, scan.lobes, settings)
    return PreparedScan(scan.images, scan.spacing_mm, scan.z_mm, scan.flags, scan.lobes, inputs)
