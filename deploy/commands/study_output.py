"""What a command prints at the end of a study."""

from pathlib import Path
from typing import Any

import typer

from deploy.commands.figure_lines import study_lines
from deploy.commands.output import print_json


def print_study(document: dict[str, Any], out: Path, *, as_json: bool) -> None:
    """The end of a study that left report and model in `out`: warnings, its figures, its time."""
    if as_json:
        names = ("pooled", "warnings", "weights_sha256", "seconds")
        print_json({name: document[name] for name in names})
        return
    for warning in document["warnings"]:
        typer.echo(f"warning: {warning}", err=True)
    for line in study_lines(document):
        typer.echo(line)
    typer.echo(", ".join(f"{name} {seconds:.0f} s" for name, seconds in document["seconds"].items()))
    typer.echo(f"open {out / 'report.html'}")
