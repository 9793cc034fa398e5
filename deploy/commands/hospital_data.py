"""The commands `pneumofed hospital check`, `prepare` and `lobes`: what hospital IT does with its archive.

Each imports its heavy parts when it runs, so that help is quick. What they print stays in the hospital.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from shared_model.errors import PneumofedError

hospital_app = typer.Typer(
    help="Check, prepare and look at a hospital's own scans.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")]
Folder = Annotated[Path, typer.Argument(exists=True, file_okay=True, help="Folder with DICOM files.")]


@hospital_app.command()
def check(folder: Folder, as_json: AsJson = False) -> None:
    """Which CT series under FOLDER can be used, and why the others cannot."""
    from preprocessing.check_report import check_document, check_summary, check_table
    from preprocessing.reading.series import find_series

    with _progress("reading headers", quiet=as_json) as advance:
        report = find_series(folder, progress=advance)
    if not report.accepted and not report.refused:
        raise PneumofedError("folder-empty", "there are no files here; name a folder with DICOM files")
    if as_json:
        _print_json(check_document(report))
    else:
        Console().print(check_table(report))
        typer.echo(check_summary(report))


@hospital_app.command()
def prepare(
    folder: Annotated[Path, typer.Argument(help="Folder that holds a folder a study.")],
    labels: Annotated[
        Path,
        typer.Option(
            "--labels",
            help="CSV file with the columns study,label: each study's folder name, and healthy, covid or "
            "other. Where FOLDER itself holds the files of one scan, give it one row with FOLDER's name.",
        ),
    ],
    store: Annotated[Path, typer.Option("--store", help="Store to fill; made where it is missing.")],
    jobs: Annotated[
        int | None,
        typer.Option(min=1, help="Studies prepared at a time, each on one core. All cores if not given."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Prepare labelled studies for training. Run it again to go on after a stop or to add studies.

    Studies that cannot be used are listed in STORE/rejected.csv. Ends with 1 where none can be used.
    """
    from preprocessing.prepare import prepare as run
    from preprocessing.processes import cores

    with _progress("preparing studies", quiet=as_json) as advance:
        report = run(folder, labels, store, jobs=jobs or cores(), progress=advance)
    if as_json:
        problems = [{"row": one.row, "code": one.code, "reason": one.reason} for one in report.problems]
        counts = {"added": report.added, "present": report.present, "rejected": report.rejected}
        choices = [{"row": one.row, "choice": one.text} for one in report.choices]
        _print_json({**counts, "problems": problems, "choices": choices})
    else:
        for choice in report.choices:
            typer.echo(f"row {choice.row} of the labels: {choice.text}")
        for problem in report.problems:
            typer.echo(f"row {problem.row} of the labels: {problem.code}: {problem.reason}")
        counts_text = f"{report.added} added, {report.present} there before, {report.rejected} rejected"
        typer.echo(counts_text + (f" (see {store / 'rejected.csv'})" if report.problems else ""))
    raise typer.Exit(0 if report.added + report.present else 1)


@hospital_app.command()
def lobes(
    folder: Folder,
    sheet: Annotated[Path | None, typer.Option(help="Write a picture of all slices with the lobes.")] = None,
    as_json: AsJson = False,
) -> None:
    """The lungs found in each slice of one CT series, from the feet upwards."""
    from preprocessing.lobe_report import contact_sheet, lobe_table
    from preprocessing.pipeline import find_scan_lobes
    from preprocessing.reading.series import find_series
    from preprocessing.reading.series_selection import choose_series
    from shared_model.files import write_atomically

    with _progress("reading headers", quiet=as_json) as advance:
        found = find_series(folder, progress=advance)
    if not found.accepted:
        reasons = "; ".join(sorted({f"{one.code}: {one.reason}" for one in found.refused})) or "no files"
        raise PneumofedError("no-series", f"no CT series here can be used ({reasons})")
    scan = find_scan_lobes(choose_series(found.accepted))
    slices = lobe_table(scan)
    if sheet is not None:
        write_atomically(sheet, contact_sheet(scan))
    if as_json:
        _print_json({"slices": slices})
        return
    table = Table("slice", "z mm", "right mm2", "left mm2")
    for number, row in enumerate(slices):
        areas = (f"{row[side]['area_mm2']:.0f}" if row[side] else "-" for side in ("right", "left"))
        table.add_row(str(number), f"{row['z_mm']:.1f}", *areas)
    Console().print(table)


def _print_json(document: dict[str, Any]) -> None:
    typer.echo(json.dumps(document, indent=2, allow_nan=False))


@contextmanager
def _progress(name: str, *, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on stderr where that is a terminal; gives the function that moves it."""
    console = Console(stderr=True, quiet=quiet)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        bar = bars.add_task(name, total=None)
        yield lambda done, total: bars.update(bar, completed=done, total=total)
