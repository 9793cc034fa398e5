"""The report of `pneumofed hospital check`, as JSON and as a table. It stays in the hospital."""

from collections import Counter
from pathlib import Path
from typing import Any

from rich.table import Table

from preprocessing.reading.series import Refusal, SeriesReport, find_series
from preprocessing.reading.series_selection import with_choices
from shared_model.errors import PneumofedError
from shared_model.progress import Progress


def check_folder(folder: Path, *, progress: Progress | None = None) -> SeriesReport:
    """What can be used under `folder`. Raises PneumofedError `folder-empty` if there is no file."""
    report = find_series(folder, progress=progress)
    if not report.accepted and not report.refused:
        raise PneumofedError("folder-empty", "there are no files here; name a folder with DICOM files")
    return report


def check_document(report: SeriesReport) -> dict[str, Any]:
    """The JSON document: accepted series with slices, spacing and flags; refused series and files with
    codes.
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
    refused = [
        {refusal.kind: refusal.where, "code": refusal.code, "reason": refusal.reason}
        for refusal in report.refused
    ]
    return {"accepted": accepted, "refused": refused}


def check_table(report: SeriesReport) -> Table:
    """A table with one row per series, and one per code of refused files."""
    table = Table("", "series or file", "what")
    for series in with_choices(report.accepted):
        spacing = " x ".join(f"{length:.4g}" for length in series.spacing_mm)
        what = ", ".join((f"{series.slices} slices, {spacing} mm", *series.flags))
        table.add_row("accepted", series.series_uid, what)
    for uid, problems in _by_series(report.refused).items():
        table.add_row("refused", uid, "\n".join(f"{refusal.code}: {refusal.reason}" for refusal in problems))
    files = [refusal for refusal in report.refused if refusal.kind == "file"]
    for code, count in Counter(refusal.code for refusal in files).items():
        first = next(refusal for refusal in files if refusal.code == code)
        name = Path(first.where).name
        table.add_row(
            "refused", name if count == 1 else f"{count} files, {name} first", f"{code}: {first.reason}"
        )
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
