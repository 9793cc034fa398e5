"""Slices of a segmented scan in which the lungs that were found are doubtful, and why."""

from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from preprocessing.pipeline import SegmentedScan
from preprocessing.review.lobe_areas import lobe_areas, missing_sides, sudden_changes
from preprocessing.review.mask_position import misplaced_mask

Kind = Literal["far-from-air", "outside-air", "sudden-change", "side-missing"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_LEAST_FAR_MM2 = 150.0  # in a slice; a hilum or a small consolidation may have less
_LEAST_OUTSIDE_MM2 = 100.0


@dataclass(frozen=True)
class SliceDoubt:
    """One reason to doubt the lungs of slice `slice`, counted from the feet, and how many ml it concerns."""

    slice: int
    kind: Kind
    ml: float


@dataclass(frozen=True)
class ScanDoubts:
    """All doubts of a scan of `slices` slices, in order of (slice, kind); empty if there is none."""

    slices: int
    doubts: tuple[SliceDoubt, ...]

    @property
    def doubtful_slices(self) -> list[int]:
        """The slices with a doubt, from the feet upwards."""
        return sorted({doubt.slice for doubt in self.doubts})

    @property
    def kinds(self) -> list[Kind]:
        """The kinds of doubt that the scan has, in the order of KINDS."""
        return [kind for kind in KINDS if any(doubt.kind == kind for doubt in self.doubts)]

    @property
    def doubtful_ml(self) -> float:
        """Volume in doubt: of each slice the largest doubt, since one leak may raise several."""
        return sum(max(doubt.ml for doubt in self.of_slice(number)) for number in self.doubtful_slices)

    def of_slice(self, number: int) -> list[SliceDoubt]:
        """The doubts of one slice."""
        return [doubt for doubt in self.doubts if doubt.slice == number]

    def to_json(self) -> dict[str, Any]:
        """A JSON-serialisable dict, the inverse of `from_json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "ScanDoubts":
        """The doubts of `values` as written by `to_json`. Raises KeyError or TypeError."""
        return cls(values["slices"], tuple(SliceDoubt(**doubt) for doubt in values["doubts"]))


def find_doubts(scan: SegmentedScan) -> ScanDoubts:
    """Doubts of a segmented scan; the rules are those of mask_position and lobe_areas."""
    misplaced, areas, slice_mm = misplaced_mask(scan), lobe_areas(scan), scan.spacing_mm[0]
    found = {
        "far-from-air": _at_least(_LEAST_FAR_MM2, misplaced.far_mm2),
        "outside-air": _at_least(_LEAST_OUTSIDE_MM2, misplaced.outside_mm2),
        "sudden-change": np.max([sudden_changes(side, slice_mm) for side in areas], axis=0),
        "side-missing": missing_sides(areas),
    }
    doubts = tuple(
        SliceDoubt(number, kind, round(float(found[kind][number]) * slice_mm / 1000, 2))
        for number in range(len(scan.images))
        for kind in KINDS
        if found[kind][number] > 0
    )
    return ScanDoubts(len(scan.images), doubts)


def _at_least(least: float, areas: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(areas >= least, areas, 0)
