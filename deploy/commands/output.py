"""What several commands print."""

import json
from pathlib import Path
from typing import Any

import typer

from shared_model.constants import TASKS


def print_json(document: dict[str, Any]) -> None:
    """One JSON object on stdout. Raises ValueError for a number that is not finite."""
    typer.echo(json.dumps(document, indent=2, allow_nan=False))


def print_study(document: dict[str, Any], out: Path, *, as_json: bool) -> None:
    """The end of a study that left report and model in `out`: warnings, its figures, its time."""
    if as_json:
        names = ("pooled", "warnings", "weights_sha256", "seconds")
        print_json({name: document[name] for name in names})
        return
    for warning in document["warnings"]:
        typer.echo(f"warning: {warning}", err=True)
    for task in TASKS:
        block = document["pooled"]["unseen"][task]
        within, pooled = figure_text(block["within_auc"]), figure_text(block["auc"])
        accuracy = figure_text(block["accuracy"])
        typer.echo(
            f"unseen hospitals, {task}: AUC within hospitals {within}, pooled AUC {pooled}, "
            f"accuracy {accuracy}"
        )
    typer.echo(", ".join(f"{name} {seconds:.0f} s" for name, seconds in document["seconds"].items()))
    typer.echo(f"open {out / 'report.html'}")


def figure_text(figure: dict[str, Any] | None) -> str:
    """A figure with its interval: "0.873 (0.812 to 0.921)", or "undefined"."""
    if figure is None:
        return "undefined"
    return f"{figure['value']:.3f} ({figure['low']:.3f} to {figure['high']:.3f})"
