"""The commands `pneumofed hospital check`, `prepare` and `lobes`: what hospital IT does with its archive.

Each imports its heavy parts when it runs, so that help is quick. What they print stays in the hospital.
"""

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from deploy.commands.options import AsJson
from deploy.commands.output import print_json
from deploy.progress import Steps

Folder = Annotated[Path, typer.Argument(exists=True, file_okay=True, help="Folder with DICOM files.")]


_SHOWN = 5  # doubtful scans that are printed; the page has them all


def check(folder: Folder, as_json: AsJson = False) -> None:
    """Which CT series under FOLDER can be used, and why the others cannot."""
    from preprocessing.check_report import check_document, check_folder, check_summary, check_table

    with Steps(quiet=as_json) as steps, steps.step("reading headers") as progress:
        report = check_folder(folder, progress=progress)
    if as_json:
        print_json(check_document(report, folder))
    else:
        Console().print(check_table(report, folder))
        typer.echo(check_summary(report))


def prepare(
    folder: Annotated[Path, typer.Argument(help="Folder that holds one folder per study.")],
    labels: Annotated[
        Path,
        typer.Option(
            "--labels",
            help="CSV file with the columns study,label: each study's folder name, and healthy, covid or "
            "other. If FOLDER itself holds the files of one scan, give it one row with FOLDER's name.",
        ),
    ],
    store: Annotated[Path, typer.Option("--store", help="Store to fill; made if it is missing.")],
    jobs: Annotated[
        int | None,
        typer.Option(min=1, help="Studies prepared at a time, each on one core. All cores if not given."),
    ] = None,
    settings: Annotated[
        Literal["default", "paper"],
        typer.Option(
            "--settings", help="How lobes are found and grey values set; paper: by its rules to the letter."
        ),
    ] = "default",
    as_json: AsJson = False,
) -> None:
    """Prepare labelled studies for training. Run it again to resume after a stop or to add studies.

    Studies that cannot be used are listed in STORE/rejected.csv. STORE/review.html shows the scans in which
    the lungs that were found are doubtful, most doubtful first. Ends with 1 if no study can be used.
    """
    from preprocessing.prepare import prepare as run
    from preprocessing.processes import cores
    from preprocessing.review.review_list import doubt_document
    from preprocessing.settings import SETTINGS

    with Steps(quiet=as_json) as steps, steps.step("preparing studies") as progress:
        report = run(
            folder, labels, store, settings=SETTINGS[settings], jobs=jobs or cores(), progress=progress
        )
    if as_json:
        problems = [{"row": one.row, "code": one.code, "reason": one.reason} for one in report.problems]
        counts = {"added": report.added, "present": report.present, "rejected": report.rejected}
        choices = [{"row": one.row, "choice": one.text} for one in report.choices]
        doubtful = [doubt_document(scan) for scan in report.doubtful]
        said = {"unlabelled": list(report.unlabelled), "notes": list(report.notes)}
        print_json({**counts, "problems": problems, "choices": choices, "doubtful": doubtful, **said})
    else:
        for note in report.notes:
            typer.echo(note)
        if report.unlabelled:
            typer.echo(f"set aside, without a row in the labels: {', '.join(report.unlabelled)}")
        for choice in report.choices:
            typer.echo(f"row {choice.row} of the labels: {choice.text}")
        for problem in report.problems:
            typer.echo(f"row {problem.row} of the labels: {problem.code}: {problem.reason}")
        counts_text = f"{report.added} added, {report.present} there before, {report.rejected} rejected"
        typer.echo(counts_text + (f" (see {store / 'rejected.csv'})" if report.problems else ""))
        if report.doubtful:
            shown = f", here {_SHOWN}" if len(report.doubtful) > _SHOWN else ""
            typer.echo(f"scans to look at first: {len(report.doubtful)}{shown} (see {store / 'review.html'})")
        for scan in report.doubtful[:_SHOWN]:
            typer.echo(f"  {scan.title}; slices: {scan.text}")
    raise typer.Exit(0 if report.added + report.present else 1)


def _nifti_name(path: Path | None) -> Path | None:
    if path is not None and not path.name.endswith((".nii", ".nii.gz")):
        raise typer.BadParameter("the name must end in .nii or .nii.gz")
    return path


def _picture_name(path: Path | None) -> Path | None:
    if path is not None and path.suffix != ".png":
        raise typer.BadParameter("the name must end in .png")
    return path


def lobes(
    folder: Folder,
    sheet: Annotated[
        Path | None,
        typer.Option(
            callback=_picture_name,
            help="Write a picture (.png) of all slices with the lobes; doubtful slices are framed.",
        ),
    ] = None,
    masks: Annotated[
        Path | None,
        typer.Option(
            callback=_nifti_name,
            help="Write the lungs as NIfTI (.nii, .nii.gz) in the scan's own voxels: 1 right, 2 left lung.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """The lungs found in each slice of one CT series, from the feet upwards, and what is unusual about them.

    Ends with 1 and writes nothing if the scan shows no chest, or too little of it.
    """
    from preprocessing.lobe_report import area_table, flag_lines, lobe_table
    from preprocessing.lung_masks import lung_mask, nifti_bytes
    from preprocessing.pipeline import find_scan_lobes
    from preprocessing.reading.series_selection import select_series
    from preprocessing.review.contact_sheet import contact_sheet
    from preprocessing.review.scan_doubts import find_doubts
    from shared_model.files import write_atomically

    with Steps(quiet=as_json) as steps, steps.step("reading headers") as progress:
        selection = select_series(folder, progress=progress)
    series = selection.required()
    scan = find_scan_lobes(series)
    if sheet is not None:
        write_atomically(sheet, contact_sheet(scan, find_doubts(scan)))
    if masks is not None:
        write_atomically(masks, nifti_bytes(lung_mask(scan, series), compress=masks.suffix == ".gz"))
    if as_json:
        print_json({"slices": lobe_table(scan), "flags": list(scan.flags)})
    else:
        Console().print(area_table(scan))
        for line in flag_lines(scan):
            typer.echo(line)
