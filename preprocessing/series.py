"""Finding CT series in a folder: every file is accepted into a series or refused with a stable code.

Nothing here is fatal: a bad file or series is listed with its reason and the rest goes on.
"""

import os
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from preprocessing.header import FileRefusedError, SliceHeader, open_dataset, read_header

MIN_SLICES = 10  # the paper learns from 10 slices a scan (2.7.1)
MAX_MISSING = 2  # more gaps than this cannot be interpolated honestly
_JITTER = 0.1  # share of the spacing by which a slice may lie off the regular grid unremarked
_IRREGULAR = 0.3  # ... and beyond which the series is refused


@dataclass(frozen=True)
class CtSeries:
    """One accepted CT series.

    `files` run from feet to head; `spacing_mm` is (slice, row, column). `series_uid` and `patient_id`
    stay in the hospital: they only enter a keyed hash. `flags` name what was unusual but usable.
    """

    files: tuple[Path, ...]
    series_uid: str
    patient_id: str
    spacing_mm: tuple[float, float, float]
    flags: tuple[str, ...]

    @property
    def slices(self) -> int:
        """How many slices its files hold."""
        return len(self.files)


@dataclass(frozen=True)
class Refusal:
    """One refused series or file; `where` is its SeriesInstanceUID or its path (for the hospital's eyes)."""

    where: str
    kind: Literal["series", "file"]
    code: str
    reason: str


@dataclass(frozen=True)
class SeriesReport:
    accepted: tuple[CtSeries, ...]
    refused: tuple[Refusal, ...]


def find_series(folder: Path, *, progress: Callable[[int, int], None] | None = None) -> SeriesReport:
    """Read the headers of all files under `folder` and sort them into CT series (DESIGN 3).

    `progress(done, total)` is called after each file. A file alone is as good as a folder. Symbolic
    links to folders are not followed. Raises nothing for bad input: see `SeriesReport.refused`.
    """
    files = [folder] if folder.is_file() else list(_files_under(folder))
    headers: list[SliceHeader] = []
    bad: list[tuple[Path, FileRefusedError]] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the parser warns about values we judge ourselves
        for number, path in enumerate(files, start=1):
            try:
                headers.append(read_header(path))
            except FileRefusedError as refusal:
                bad.append((path, refusal))
            if progress is not None:
                progress(number, len(files))
        accepted, refused = _sort_into_series(headers)
    usable = {header.series_uid for header in headers}
    return SeriesReport(tuple(accepted), (*refused, *_refusals_of(bad, usable)))


def slice_grid(heights_mm: NDArray[np.float64]) -> tuple[float, NDArray[np.int64]]:
    """Spacing (mm) of sorted slice heights, float64 [file], and each file's place on the regular grid."""
    gaps = np.diff(heights_mm)
    spacing = float(np.median(gaps))
    places = np.concatenate([[0], np.cumsum(np.maximum(1, np.rint(gaps / spacing)))])
    return spacing, places.astype(np.int64)


def _files_under(folder: Path) -> Iterable[Path]:
    for base, folders, names in os.walk(folder):
        folders.sort()
        yield from (Path(base, name) for name in sorted(names) if name != "DICOMDIR")


def _refusals_of(bad: list[tuple[Path, FileRefusedError]], usable: set[str]) -> list[Refusal]:
    """One refusal a series and code; by file where the series is unknown or otherwise usable."""
    rows: dict[tuple[str, str], Refusal] = {}
    for path, refusal in bad:
        by_series = bool(refusal.series_uid) and refusal.series_uid not in usable
        where = refusal.series_uid if by_series else str(path)
        kind: Literal["series", "file"] = "series" if by_series else "file"
        rows.setdefault((where, refusal.code), Refusal(where, kind, refusal.code, refusal.reason))
    return list(rows.values())


def _sort_into_series(headers: list[SliceHeader]) -> tuple[list[CtSeries], list[Refusal]]:
    """Split by series, and within one by what may not differ (matrix, spacing, orientation, kernel)."""
    groups: dict[tuple[object, ...], list[SliceHeader]] = defaultdict(list)
    for header in headers:
        direction = tuple(np.round(header.orientation, 2) + 0.0)
        spacing = tuple(np.round(header.spacing_mm, 4))
        groups[header.series_uid, header.shape, spacing, direction, header.kernel].append(header)
    parts: dict[object, int] = defaultdict(int)
    for key in groups:
        parts[key[0]] += 1
    accepted, refused = [], []
    for key, group in sorted(groups.items(), key=lambda item: str(item[0])):
        try:
            accepted.append(_series_of(group, split=parts[key[0]] > 1))
        except FileRefusedError as refusal:
            refused.append(Refusal(str(key[0]), "series", refusal.code, refusal.reason))
    return accepted, refused


def _series_of(group: list[SliceHeader], *, split: bool) -> CtSeries:
    """Order one group feet to head and check its grid; FileRefusedError where it cannot be used."""
    flags = {flag for header in group for flag in header.flags} | ({"split-series"} if split else set())
    if len({header.patient_id for header in group}) > 1:
        raise FileRefusedError("mixed-patients", "one series names several patients")
    ordered, dropped = _without_duplicates(sorted(group, key=lambda header: header.height_mm))
    if len(ordered) < MIN_SLICES:
        reason = f"{len(ordered)} slices are too few; a chest CT has at least {MIN_SLICES}"
        raise FileRefusedError("too-few-slices", reason)
    heights = np.array([header.height_mm for header in ordered])
    spacing, places = slice_grid(heights)
    missing = int(places[-1]) + 1 - len(ordered)
    off_grid = float(np.abs(np.diff(heights) / spacing - np.diff(places)).max())
    if missing > MAX_MISSING:
        reason = f"{missing} slices are missing inside the series; at most {MAX_MISSING} can be interpolated"
        raise FileRefusedError("missing-slices", reason)
    if off_grid > _IRREGULAR:
        raise FileRefusedError("irregular-spacing", "the distance between slices varies too much")
    sideways = np.subtract(ordered[-1].position_mm, ordered[0].position_mm)
    along = np.dot(sideways, ordered[0].normal)
    tilted = np.linalg.norm(sideways - along * ordered[0].normal) > 0.02 * abs(along)
    found = {
        "duplicates": dropped > 0,
        "interpolated": missing > 0,
        "uneven-spacing": off_grid > _JITTER,
        "gantry-tilt": bool(tilted),
    }
    flags |= {name for name, present in found.items() if present}
    first = ordered[0]
    files = tuple(header.path for header in ordered)
    return CtSeries(
        files, first.series_uid, first.patient_id, (spacing, *first.spacing_mm), tuple(sorted(flags))
    )


def _without_duplicates(ordered: list[SliceHeader]) -> tuple[list[SliceHeader], int]:
    """Keep one file per position. FileRefusedError where two files of one position differ."""
    kept: list[SliceHeader] = []
    for header in ordered:
        if kept and abs(header.height_mm - kept[-1].height_mm) < 0.01:
            if not _same_pixels(kept[-1].path, header.path):
                reason = "two different images lie at one position; export one reconstruction at a time"
                raise FileRefusedError("duplicate-conflict", reason)
        else:
            kept.append(header)
    return kept, len(ordered) - len(kept)


def _same_pixels(first: Path, second: Path) -> bool:
    try:
        images = [open_dataset(path, pixels=True).pixel_array for path in (first, second)]
    except FileRefusedError:
        raise
    except Exception:
        raise FileRefusedError("unreadable-pixels", "a duplicated slice cannot be decoded") from None
    return np.array_equal(images[0], images[1])
