"""Finding CT series in a folder: every file is accepted into a series or refused with a stable code.

Nothing here is fatal: a bad file or series is listed with its reason and the rest goes on. The codes are
in `reasons`, and in docs/reading.md.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from preprocessing.reading.folder import files_under
from preprocessing.reading.grouping import groups_of, without_copies
from preprocessing.reading.header import read_slices
from preprocessing.reading.layout import Layout
from preprocessing.reading.refusals import FileRefusedError, reason
from preprocessing.reading.slices import CtSlice
from shared_model.progress import Progress

MIN_SLICES = 10  # the paper learns from 10 slices a scan (2.7.1)
_HIGHEST_FLOOR_HU = -800  # stored values that cannot go below hold no air
_CHEST = ("CHEST", "THORAX", "LUNG", "TSPINE", "HEART", "CARDIAC", "WHOLEBODY", "BODY", "TORSO", "TRUNK")
_FAR_FROM_CHEST = (
    "HEAD", "BRAIN", "SKULL", "FACE", "SINUS", "ORBIT", "EAR", "JAW", "MAXILLA", "MANDIBLE", "CSPINE",
    "LSPINE", "PELVIS", "HIP", "LEG", "KNEE", "FOOT", "ANKLE", "FEMUR", "TIBIA", "ELBOW", "HAND", "WRIST",
    "EXTREMITY", "HEEL", "TOE", "FINGER", "FOREARM",
)  # fmt: skip


@dataclass(frozen=True)
class CtSeries:
    """One accepted CT series.

    `images` run from feet to head; `spacing_mm` is (slice, row, column) of the volume it becomes. UIDs
    and `patient_id` stay in the hospital: they only enter a keyed hash. `flags` name what was unusual but
    usable.
    """

    images: tuple[CtSlice, ...]
    series_uid: str
    patient_id: str
    spacing_mm: tuple[float, float, float]
    flags: tuple[str, ...]

    @property
    def slices(self) -> int:
        """How many slices it has, without those that will be interpolated."""
        return len(self.images)


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


def find_series(folder: Path, *, progress: Progress | None = None) -> SeriesReport:
    """Read the headers of all files under `folder` and sort them into CT series.

    `progress` is called after each file. A file alone is as good as a folder. Raises nothing
    for bad input: see `SeriesReport.refused`.
    """
    files = list(files_under(folder))
    slices: list[CtSlice] = []
    bad: list[tuple[Path, FileRefusedError]] = []
    for number, (path, refusal) in enumerate(files, start=1):
        try:
            if refusal is not None:
                raise refusal
            slices += read_slices(path)
        except FileRefusedError as refused:
            bad.append((path, refused))
        if progress is not None:
            progress(number, len(files))
    accepted, refused_series = _sort_into_series(slices)
    usable = {one.series_uid for one in slices}
    return SeriesReport(tuple(accepted), (*refused_series, *_refusals_of(bad, usable)))


def _refusals_of(bad: list[tuple[Path, FileRefusedError]], usable: set[str]) -> list[Refusal]:
    """One refusal a series and code; by file where the series is unknown or otherwise usable."""
    rows: dict[tuple[str, str], Refusal] = {}
    for path, refusal in bad:
        by_series = bool(refusal.series_uid) and refusal.series_uid not in usable
        where = refusal.series_uid if by_series else str(path)
        kind: Literal["series", "file"] = "series" if by_series else "file"
        rows.setdefault((where, refusal.code), Refusal(where, kind, refusal.code, refusal.reason))
    return list(rows.values())


def _sort_into_series(slices: list[CtSlice]) -> tuple[list[CtSeries], list[Refusal]]:
    parts: list[tuple[list[CtSlice], int]] = []
    refused: list[Refusal] = []
    for group in groups_of(slices):
        try:
            split = without_copies(group)
            dropped = len(group) - sum(map(len, split))
            parts += [(part, dropped) for part in split]
        except FileRefusedError as refusal:
            refused.append(Refusal(group[0].series_uid, "series", refusal.code, refusal.reason))
    siblings = Counter(part[0].series_uid for part, _ in parts)
    accepted = []
    for part, dropped in parts:
        uid = part[0].series_uid
        flags = {"duplicates"} if dropped else set()
        flags |= {"split-series"} if siblings[uid] > 1 else set()
        found, problems = _series_of(part, flags)
        refused += [Refusal(uid, "series", code, reason(code, detail)) for code, detail in problems]
        if found is not None:
            accepted.append(found)
    return accepted, refused


def _series_of(part: list[CtSlice], flags: set[str]) -> tuple[CtSeries | None, list[tuple[str, str]]]:
    """The series of slices in order, or None with code and detail of all its problems."""
    first = part[0]
    problems = _header_problems(part)
    if len(part) < MIN_SLICES:
        problems.append(("too-few-slices", f"{len(part)} where {MIN_SLICES} are needed"))
        return None, problems
    layout = Layout.of(part)
    problems += layout.problems(first.shape)
    if problems:
        return None, problems
    flags = flags | layout.flags() | {flag for one in part for flag in one.flags}
    if not first.plane.is_level and not layout.is_tilted:
        flags.add("oblique")
    if first.body_part and not any(name in _plain(first.body_part) for name in _CHEST):
        flags.add("other-body-part")
    spacing = (layout.spacing_mm, *layout.volume_pixel_mm)
    return CtSeries(tuple(part), first.series_uid, first.patient_id, spacing, tuple(sorted(flags))), []


def _header_problems(part: list[CtSlice]) -> list[tuple[str, str]]:
    found = []
    if len({one.patient_id for one in part}) > 1:
        found.append(("mixed-patients", ""))
    body_part = _plain(part[0].body_part)
    if body_part.startswith(_FAR_FROM_CHEST) and not any(name in body_part for name in _CHEST):
        found.append(("not-chest", ""))
    if any(one.floor_hu > _HIGHEST_FLOOR_HU for one in part):
        found.append(("not-hounsfield", "stored values cannot be low enough for air"))
    return found


def _plain(body_part: str) -> str:
    return body_part.replace(" ", "").replace("_", "").replace("-", "")
