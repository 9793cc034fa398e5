"""What `pneumofed hospital check` says of a folder, for machines and for people. It stays in the hospital."""

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


def as_document(report: SeriesReport) -> dict[str, Any]:
    """The report for machines: `accepted` and `refused` series and files."""
    accepted = [
        {
            "series": series.series_uid,
            "slices": series.slices,
            "spacing_mm": list(series.spacing_mm),
            "flags": list(series.flags),
        }
        for series in with_choices(report.accepted)
    ]
    refused = [{one.kind: one.where, "code": one.code, "reason": one.reason} for one in report.refused]
    return {"accepted": accepted, "refused": refused}


def as_table(report: SeriesReport) -> Table:
    """One row a series, and one for all refused files of a code."""
    table = Table("", "series or file", "what")
    for series in with_choices(report.accepted):
        spacing = " x ".join(f"{length:.4g}" for length in series.spacing_mm)
        what = ", ".join((f"{series.slices} slices, {spacing} mm", *series.flags))
        table.add_row("accepted", series.series_uid, what)
    for uid, problems in _by_series(report.refused).items():
        table.add_row("refused", uid, "\n".join(f"{one.code}: {one.reason}" for one in problems))
    files = [one for one in report.refused if one.kind == "file"]
    for code, count in Counter(one.code for one in files).items():
        first = next(one for one in files if one.code == code)
        name = Path(first.where).name
        table.add_row(
            "refused", name if count == 1 else f"{count} files, {name} first", f"{code}: {first.reason}"
        )
    return table


def summary(report: SeriesReport) -> str:
    """How many series can be used, and how many series and files cannot."""
    series = len(_by_series(report.refused))
    files = sum(one.kind == "file" for one in report.refused)
    return f"series: {len(report.accepted)} accepted, {series} refused; files refused by themselves: {files}"


def _by_series(refused: tuple[Refusal, ...]) -> dict[str, list[Refusal]]:
    found: dict[str, list[Refusal]] = {}
    for one in refused:
        if one.kind == "series":
            found.setdefault(one.where, []).append(one)
    return found
