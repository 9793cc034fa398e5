"""Options and arguments that several commands have."""

import re
from pathlib import Path
from typing import Annotated, Literal

import typer


def _known_device(name: str) -> str:
    if re.fullmatch(r"auto|cpu|cuda(:\d+)?", name) is None:
        raise typer.BadParameter("write auto, cpu, cuda, or cuda:1 for the second GPU")
    return name


Device = Annotated[
    str,
    typer.Option(
        "--device",
        callback=_known_device,
        help="auto, cpu, cuda or cuda:1; auto: the GPU if there is one.",
    ),
]
EngineOption = Annotated[
    Literal["local", "workers", "ray"],
    typer.Option(
        "--engine",
        help="local: in this process; workers: a process a core; ray: needs pneumofed\\[simulation].",
    ),
]
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
