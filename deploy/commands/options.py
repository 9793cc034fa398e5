"""Options and arguments that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")]

HospitalFile = Annotated[Path, typer.Option("--site", help="The hospital's settings, hospital.toml.")]
HOSPITAL_FILE = Path("hospital.toml")
FederationFile = Annotated[Path, typer.Argument(help="The federation's settings, federation.toml.")]

Out = Annotated[Path, typer.Option("--out", help="New folder to write into.")]
Seed = Annotated[int, typer.Option(min=0, help="Of every random draw; the same seed gives the same result.")]
Model = Annotated[Path, typer.Option("--model", help="Folder of a model (model.safetensors, model.json).")]
Strategy = Annotated[
    str | None,
    typer.Option("--strategy", help="A strategy of your own, package.module:function, not the study's."),
]
