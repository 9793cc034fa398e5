"""Which scan is to be diagnosed."""

from pathlib import Path

from client.diagnosis.progress import Progress, no_progress
from preprocessing.series import CtSeries, find_series
from shared_model.errors import PneumofedError


def one_series(folder: Path, *, progress: Progress = no_progress) -> CtSeries:
    """The one CT series under `folder`.

    Raises PneumofedError `no-series` or `several-series` where there is not exactly one that can be used.
    """
    if not folder.exists():
        raise PneumofedError("no-series", f"{folder}: no such folder; name the folder of one CT series")
    report = find_series(folder, progress=lambda done, total: progress("reading headers", done, total))
    if len(report.accepted) == 1:
        return report.accepted[0]
    if report.accepted:
        raise PneumofedError(
            "several-series",
            f"{folder}: {len(report.accepted)} CT series; name a folder that holds one of them alone "
            "(`pneumofed hospital check` lists them)",
        )
    codes = ", ".join(sorted({refusal.code for refusal in report.refused})) or "there is no file"
    raise PneumofedError(
        "no-series",
        f"{folder}: no CT series that can be used: {codes} (`pneumofed hospital check` says why in full)",
    )
