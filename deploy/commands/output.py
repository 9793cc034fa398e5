"""What several commands print."""

import json
from typing import Any

import typer


def print_json(document: dict[str, Any]) -> None:
    """One JSON object on stdout. Raises ValueError for a number that is not finite."""
    typer.echo(json.dumps(document, indent=2, allow_nan=False))


def figure_text(figure: dict[str, Any] | None) -> str:
    """A figure with its interval: "0.873 (0.812 to 0.921)", or "undefined"."""
    if figure is None:
        return "undefined"
    return f"{figure['value']:.3f} ({figure['low']:.3f} to {figure['high']:.3f})"
