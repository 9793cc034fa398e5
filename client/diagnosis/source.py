"""Which scan is to be diagnosed."""

from pathlib import Path

from client.diagnosis.progress import Progress, no_progress
from preprocessing.reading.series import CtSeries, find_series
from preprocessing.reading.series_selection import choose_series
from shared_model.errors import PneumofedError


def one_series(folder: Path, *, progress: Progress = no_progress) -> CtSeries:
    """The best CT series under `folder` (preprocessing.reading.series_selection), all of one study.

    Raises PneumofedError `no-series` where none can be used, `several-studies` where they are not of one.
    """
    if not folder.exists():
        raise PneumofedError("no-series", f"{folder}: no such folder; name the folder of one CT study")
    report = find_series(folder, progress=lambda done, total: progress("reading headers", done, total))
    if report.accepted:
        return choose_series(report.accepted)
    codes = ", ".join(sorted({refusal.code for refusal in report.refused})) or "there is no file"
    raise PneumofedError(
        "no-series",
        f"{folder}: no CT series that can be used: {codes} (`pneumofed hospital check` says why in full)",
    )
