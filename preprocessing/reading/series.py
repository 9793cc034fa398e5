"""Finds the CT series of a folder: every file joins a series or is refused with a stable code.

A bad file or series does not stop the others; it is listed with its reason. The codes are in `refusals` and
in docs/reading.md.
"""

from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Literal

from preprocessing.reading.ct_slice import CtSlice
from preprocessing.reading.file_walk import walk_files
from preprocessing.reading.header import read_slices
from preprocessing.reading.refusals import FileRefusedError, reason
from preprocessing.reading.slice_grid import SliceGrid
from preprocessing.reading.slice_grouping import group_slices, split_stacks
from shared_model.progress import Progress

MIN_SLICES = 10  # the paper learns from 10 slices a scan (2.7.1)
_MAX_ALONE = 2  # images beside a usable stack of their series that are set aside
_AIR_HU = -800  # stored values must be able to represent air
_CHEST_BODY_PARTS = (
    "CHEST",
    "THORAX",
    "LUNG",
    "TSPINE",
    "HEART",
    "CARDIAC",
    "WHOLEBODY",
    "BODY",
    "TORSO",
    "TRUNK",
)
_EXCLUDED_BODY_PARTS = (
    "HEAD", "BRAIN", "SKULL", "FACE", "SINUS", "ORBIT", "EAR", "JAW", "MAXILLA", "MANDIBLE", "CSPINE",
    "LSPINE", "PELVIS", "HIP", "LEG", "KNEE", "FOOT", "ANKLE", "FEMUR", "TIBIA", "ELBOW", "HAND", "WRIST",
    "EXTREMITY", "HEEL", "TOE", "FINGER", "FOREARM",
)  # fmt: skip


@dataclass(frozen=True)
class CtSeries:
    """One accepted CT series.

    `images` are ordered feet to head; `spacing_mm` is (slice, row, column) of the volume made of it. UIDs and
    `patient_id` stay in the hospital: they only enter a keyed hash. `flags` (see refusals.FLAGS) name what is
    unusual but usable.
    """

    images: tuple[CtSlice, ...]
    series_uid: str
    patient_id: str
    spacing_mm: tuple[float, float, float]
    flags: tuple[str, ...]

    @property
    def slices(self) -> int:
        """Number of slices, without those that will be interpolated."""
        return len(self.images)

    @property
    def thickness_mm(self) -> float | None:
        """SliceThickness if all slices have the same, else None."""
        found = {image.thickness_mm for image in self.images}
        return found.pop() or None if len(found) == 1 else None

    @property
    def manufacturer(self) -> str | None:
        """One of constants.MANUFACTURERS if all slices name the same, else None."""
        found = {image.manufacturer for image in self.images}
        return found.pop() if len(found) == 1 else None


@dataclass(frozen=True)
class Refusal:
    """One refused series or file; `where` is its SeriesInstanceUID or path, and stays in the hospital.

    `files` are the paths of a series' files that are refused.
    """

    where: str
    kind: Literal["series", "file"]
    code: str
    reason: str
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class SeriesReport:
    """All series of a folder: accepted ones, and refused series and files."""

    accepted: tuple[CtSeries, ...]
    refused: tuple[Refusal, ...]


def find_series(folder: Path, *, progress: Progress | None = None) -> SeriesReport:
    """Read the headers of all files under `folder` (or of a single file) and group them into CT series.

    `progress` is called after each file. Bad input raises nothing: see `SeriesReport.refused`.
    """
    files = list(walk_files(folder))
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
    accepted, refused_series = _build_series(slices)
    usable = {ct_slice.series_uid for ct_slice in slices}
    return SeriesReport(tuple(accepted), (*refused_series, *_summarise_refusals(bad, usable)))


def _summarise_refusals(bad: list[tuple[Path, FileRefusedError]], usable: set[str]) -> list[Refusal]:
    """One refusal per series and code; per file if its series is unknown or has usable slices."""
    rows: dict[tuple[str, str], Refusal] = {}
    files: dict[tuple[str, str], list[str]] = defaultdict(list)
    for path, refusal in bad:
        by_series = bool(refusal.series_uid) and refusal.series_uid not in usable
        where = refusal.series_uid if by_series else str(path)
        kind: Literal["series", "file"] = "series" if by_series else "file"
        rows.setdefault((where, refusal.code), Refusal(where, kind, refusal.code, refusal.reason))
        if by_series:
            files[where, refusal.code].append(str(path))
    return [replace(row, files=tuple(files[place])) for place, row in rows.items()]


def _build_series(slices: list[CtSlice]) -> tuple[list[CtSeries], list[Refusal]]:
    accepted: list[CtSeries] = []
    refused: list[Refusal] = []
    groups = group_slices(slices)
    for uid, same_series in groupby(groups, key=lambda group: group[0].series_uid):
        found = _split_groups(list(same_series))
        refused += [
            Refusal(uid, "series", one.code, one.reason, _paths(group)) for one, group in found.refused
        ]
        refused += [_stray(one) for one in found.strays]
        flags = {"split-series"} if len(found.stacks) > 1 else set()
        flags |= {"stray-slices"} if found.strays else set()
        for stack, copies in found.stacks:
            one, problems = _make_series(stack, flags | ({"duplicates"} if copies else set()))
            paths = tuple(str(image.path) for image in stack)
            refused += [
                Refusal(uid, "series", code, reason(code, detail), paths) for code, detail in problems
            ]
            accepted += [one] if one is not None else []
    return accepted, refused


@dataclass
class _Found:
    """The stacks of one series, each with how many copies were dropped; what was set aside, and refused."""

    stacks: list[tuple[list[CtSlice], int]]
    strays: list[CtSlice]
    refused: list[tuple[FileRefusedError, list[CtSlice]]]


def _split_groups(groups: list[list[CtSlice]]) -> _Found:
    found = _Found([], [], [])
    for group in groups:
        try:
            split = split_stacks(group)
        except FileRefusedError as refusal:
            found.refused.append((refusal, group))
            continue
        found.stacks += [(stack, split.copies) for stack in split.stacks]
        found.strays += split.strays
    if any(len(stack) >= MIN_SLICES for stack, _ in found.stacks):
        few = [stack for stack, _ in found.stacks if len(stack) <= _MAX_ALONE]
        found.strays += [one for stack in few for one in stack]
        found.stacks = [(stack, copies) for stack, copies in found.stacks if len(stack) > _MAX_ALONE]
    return found


def _paths(images: list[CtSlice]) -> tuple[str, ...]:
    return tuple(str(image.path) for image in images)


def _stray(one: CtSlice) -> Refusal:
    return Refusal(str(one.path), "file", "stray-slice", reason("stray-slice"))


def _make_series(part: list[CtSlice], flags: set[str]) -> tuple[CtSeries | None, list[tuple[str, str]]]:
    """The series made of ordered slices, or None with (code, detail) of all its problems."""
    first = part[0]
    problems = _header_problems(part)
    if len(part) < MIN_SLICES:
        problems.append(("too-few-slices", f"{len(part)} where {MIN_SLICES} are needed"))
        return None, problems
    grid = SliceGrid.from_slices(part)
    problems += grid.problems(first.shape)
    if problems:
        return None, problems
    flags = flags | grid.flags() | {flag for ct_slice in part for flag in ct_slice.flags}
    if not first.plane.is_level and not grid.is_tilted:
        flags.add("oblique")
    if len({one.kernel for one in part if one.kernel}) > 1:
        flags.add("mixed-kernels")
    if first.body_part and not _names_chest(_normalise(first.body_part)):
        flags.add("other-body-part")
    spacing = (grid.spacing_mm, *grid.volume_pixel_mm)
    return CtSeries(tuple(part), first.series_uid, first.patient_id, spacing, tuple(sorted(flags))), []


def _header_problems(part: list[CtSlice]) -> list[tuple[str, str]]:
    found = []
    if len({ct_slice.patient_id for ct_slice in part}) > 1:
        found.append(("mixed-patients", ""))
    body_part = _normalise(part[0].body_part)
    if body_part.startswith(_EXCLUDED_BODY_PARTS) and not any(
        name in body_part for name in _CHEST_BODY_PARTS
    ):
        found.append(("not-chest", ""))
    airless = sum(ct_slice.min_hu > _AIR_HU for ct_slice in part)
    if airless == len(part):
        found.append(("not-hounsfield", "stored values cannot represent air"))
    elif airless:
        detail = f"stored values of {airless} of {len(part)} slices cannot represent air"
        found.append(("uneven-rescale", detail))
    return found


def _names_chest(body_part: str) -> bool:
    return any(name in body_part for name in _CHEST_BODY_PARTS)


def _normalise(body_part: str) -> str:
    return body_part.replace(" ", "").replace("_", "").replace("-", "")
