"""The command `pneumofed diagnose`. What it prints stays in the hospital."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.commands.options import AsJson, Device, Model, Out
from deploy.commands.output import print_json
from deploy.progress import Steps

if TYPE_CHECKING:
    from client.diagnosis.diagnose import LoadedModel
    from preprocessing.study_preparation.separate_studies import StudyFolder

_SHOWN = 5  # rows of the worklist that are printed; the file has them all


def diagnose(
    folder: Annotated[
        Path, typer.Argument(help="Folder of one CT study, or one that holds a folder for each study.")
    ],
    model: Model,
    out: Out,
    public_key: Annotated[
        Path | None,
        typer.Option(
            envvar="PNEUMOFED_PUBLIC_KEY", help="Refuse a model not signed by `release sign` with its key."
        ),
    ] = None,
    dicom: Annotated[
        bool,
        typer.Option(
            "--dicom",
            help="Write DICOM results as well, in the scan's own study: segmentations, report, pictures.",
        ),
    ] = False,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Diagnose a scan: verdict, infected areas, the slices to look at first.

    Of several studies, each gets a folder in OUT, and OUT/worklist.csv says in which order to read them. Run
    it again to resume after a stop or to add studies. Ends with 1 if no study can be diagnosed.
    """
    from client.diagnosis.diagnose_folder import load_for_diagnosis
    from client.diagnosis.diagnosis_output import check_output_folder
    from client.learning.malloc_settings import keep_freed_memory
    from preprocessing.study_preparation.separate_studies import separate_studies

    keep_freed_memory()
    check_output_folder(out)
    loaded = load_for_diagnosis(model, device, public_key)
    if studies := separate_studies(folder):
        _diagnose_studies(folder, studies, loaded, out, dicom=dicom, as_json=as_json)
    else:
        _diagnose_one(folder, loaded, out, dicom=dicom, as_json=as_json)


def _diagnose_one(folder: Path, model: "LoadedModel", out: Path, *, dicom: bool, as_json: bool) -> None:
    from client.diagnosis.diagnose_folder import diagnose_folder

    with Steps(quiet=as_json) as steps, steps.step("diagnosing") as progress:
        document = diagnose_folder(
            folder, model, out, dicom=dicom, on_step=lambda _, done, total: progress(done, total)
        )
    if as_json:
        print_json(document)
    else:
        typer.echo(document["verdict"])
        typer.echo(document["explanation"])
        typer.echo(f"see {out}")


def _diagnose_studies(
    folder: Path,
    studies: Mapping[str, "StudyFolder"],
    model: "LoadedModel",
    out: Path,
    *,
    dicom: bool,
    as_json: bool,
) -> None:
    from client.diagnosis.diagnose_studies import diagnose_studies

    with Steps(quiet=as_json) as steps, steps.step("diagnosing studies") as progress:
        report = diagnose_studies(folder, studies, model, out, dicom=dicom, progress=progress)
    counts = {"diagnosed": report.diagnosed, "present": report.present, "failed": report.failed}
    if as_json:
        print_json({**counts, "studies": [asdict(row) for row in report.rows]})
    else:
        for place, row in enumerate(report.rows[:_SHOWN], start=1):
            typer.echo(f"row {place} of the worklist: {row.reason}")
        words = f"{report.diagnosed} diagnosed, {report.present} there before, {report.failed} failed"
        typer.echo(f"{words} (see {out / 'worklist.csv'})")
    raise typer.Exit(0 if report.failed < len(report.rows) else 1)
