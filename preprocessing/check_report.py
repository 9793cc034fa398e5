"""The report of `pneumofed hospital check`, as JSON and as a table. It stays in the hospital."""

import os
from collections import Counter
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from preprocessing.reading.hu_sample import sampled_scale
from preprocessing.reading.plain_names import printable
from preprocessing.reading.refusals import FileRefusedError, reason
from preprocessing.reading.series import CtSeries, Refusal, SeriesReport, find_series
from preprocessing.reading.series_selection import with_choices
from preprocessing.reading.volume import mended
from shared_model.errors import PneumofedError
from shared_model.progress import Progress


def check_folder(folder: Path, *, progress: Progress | None = None) -> SeriesReport:
    """What can be used under `folder`, judged by headers and by a few slices of each series.

    Raises PneumofedError `folder-empty` if there is no file.
    """
    report = find_series(folder, progress=progress)
    if not report.accepted and not report.refused:
        raise PneumofedError("folder-empty", f"{folder}: no files here; name a folder with DICOM files")
    accepted, refused = [], list(report.refused)
    for series in report.accepted:
        try:
            scale = sampled_scale(series)
        except FileRefusedError as refusal:
            refused.append(_refused(series, refusal.code, refusal.reason))
            continue
        if scale.problem:
            refused.append(_refused(series, "not-hounsfield", reason("not-hounsfield", scale.problem)))
        else:
            accepted.append(mended(series, scale.offset_hu) if scale.offset_hu else series)
    return SeriesReport(tuple(accepted), tuple(refused))


def _refused(series: CtSeries, code: str, why: str) -> Refusal:
    return Refusal(series.series_uid, "series", code, why, tuple(str(one.path) for one in series.images))


def check_document(report: SeriesReport, folder: Path) -> dict[str, Any]:
    """The JSON document: accepted series with slices, spacing and flags; refused series and files with codes.

    Paths are relative to `folder`, which was checked. A refused series lists its refused files.
    """
    accepted = [
        {
            "series": series.series_uid,
            "slices": series.slices,
            "spacing_mm": list(series.spacing_mm),
            "flags": list(series.flags),
        }
        for series in with_choices(report.accepted)
    ]
    return {"accepted": accepted, "refused": [_refused_row(one, folder) for one in report.refused]}


def _refused_row(refusal: Refusal, folder: Path) -> dict[str, Any]:
    where = refusal.where if refusal.kind == "series" else _relative(refusal.where, folder)
    row: dict[str, Any] = {refusal.kind: where, "code": refusal.code, "reason": refusal.reason}
    if refusal.files:
        row["files"] = [_relative(path, folder) for path in refusal.files]
    return row


def _folder_of(series: CtSeries) -> Path:
    return Path(os.path.commonpath([one.path.parent for one in series.images]))


def _relative(path: str, folder: Path) -> str:
    found = Path(path)
    if found == folder:
        return "." if found.is_dir() else found.name
    return str(found.relative_to(folder)) if found.is_relative_to(folder) else path


def check_table(report: SeriesReport, folder: Path) -> Table:
    """A table with one row per series, with its folder inside `folder`, and one per code of refused files.

    Series that can be used first, by their folders. Nothing is cut where the screen is narrow.
    """
    table = Table()
    for title in ("", "folder", "series or file", "what"):
        table.add_column(title, overflow="fold")

    def add_row(state: str, place: str, name: str, what: str) -> None:
        table.add_row(*(Text(printable(cell)) for cell in (state, place, name, what)))

    for series in sorted(with_choices(report.accepted), key=lambda one: str(_folder_of(one))):
        spacing = " x ".join(f"{length:.4g}" for length in series.spacing_mm)
        what = ", ".join((f"{series.slices} slices, {spacing} mm", *series.flags))
        add_row("accepted", _relative(str(_folder_of(series)), folder), series.series_uid, what)
    for uid, problems in _by_series(report.refused).items():
        paths = [path for refusal in problems for path in refusal.files]
        place = _relative(str(Path(paths[0]).parent), folder) if paths else ""
        add_row("refused", place, uid, "\n".join(f"{one.code}: {one.reason}" for one in problems))
    files = [refusal for refusal in report.refused if refusal.kind == "file"]
    for code, count in Counter(refusal.code for refusal in files).items():
        first = next(refusal for refusal in files if refusal.code == code)
        name = Path(first.where).name
        shown = name if count == 1 else f"{count} files, {name} first"
        add_row("refused", _relative(str(Path(first.where).parent), folder), shown, f"{code}: {first.reason}")
    return table


def check_summary(report: SeriesReport) -> str:
    """One line: how many series are accepted, and how many series and files are refused."""
    series = len(_by_series(report.refused))
    files = sum(refusal.kind == "file" for refusal in report.refused)
    return f"series: {len(report.accepted)} accepted, {series} refused; files refused by themselves: {files}"


def _by_series(refused: tuple[Refusal, ...]) -> dict[str, list[Refusal]]:
    found: dict[str, list[Refusal]] = {}
    for refusal in refused:
        if refusal.kind == "series":
            found.setdefault(refusal.where, []).append(refusal)
    return found
