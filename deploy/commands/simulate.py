"""The command `pneumofed simulate`."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.commands.options import AsJson, Device, EngineOption, Strategy
from deploy.commands.study_output import print_study
from deploy.progress import Steps

if TYPE_CHECKING:
    from deploy.simulation.store_sites import SimulatedHospital

HELD_OUT = ":held-out"
NAME = r"[a-z0-9][a-z0-9-]{0,62}"
Sites = Annotated[
    list[str],
    typer.Option(
        "--site",
        metavar="NAME=STORE[:held-out]",
        help="A hospital and its store; ':held-out': it never trains, only measures the model. Repeatable.",
    ),
]


def simulate(
    site: Sites,
    study: Annotated[str, typer.Option("--study", help="A study's name or file.")],
    out: Annotated[Path, typer.Option("--out", help="Folder to write into; the same command resumes there.")],
    engine: EngineOption = "local",
    device: Device = "auto",
    seed: Annotated[int | None, typer.Option(min=0, help="Of every random draw; else the study's.")] = None,
    floor: Annotated[int, typer.Option(min=1, help="Fewer patients of a class are not told of.")] = 10,
    strategy: Strategy = None,
    as_json: AsJson = False,
) -> None:
    """A whole study on your own stores in one place, with report; the same command resumes it."""
    hospitals = tuple(_hospital(text) for text in site)

    from deploy.simulate import Simulation, run_simulation
    from shared_model.study import load_study

    chosen = load_study(study)
    if seed is not None:
        chosen = chosen.model_copy(update={"seed": seed})
    steps = Steps(quiet=as_json)
    simulation = Simulation(hospitals, chosen, floor, engine, device, strategy)
    # Paths stay out of the report, which others may see.
    places = [f"--site {h.name}=STORE" + HELD_OUT * (h.role == "held-out") for h in hospitals]
    words = ["pneumofed simulate", *places, f"--study {Path(study).name}", f"--out {out.name}"]
    words += [] if engine == "local" else [f"--engine {engine}"]
    words += [] if device == "auto" else [f"--device {device}"]
    words += [] if seed is None else [f"--seed {seed}"]
    words += [] if floor == 10 else [f"--floor {floor}"]
    words += [] if strategy is None else [f"--strategy {strategy}"]
    document = run_simulation(out, simulation, " ".join(words), steps)
    print_study(document, out, as_json=as_json)


def _hospital(text: str) -> "SimulatedHospital":
    """Of NAME=STORE or NAME=STORE:held-out."""
    from deploy.simulation.store_sites import SimulatedHospital

    name, _, place = text.partition("=")
    store = place.removesuffix(HELD_OUT)
    if not re.fullmatch(NAME, name) or not store:
        raise typer.BadParameter(
            f"{text!r}: write NAME=STORE or NAME=STORE:held-out; a name has up to 63 small letters, digits "
            "and hyphens, and begins with no hyphen",
            param_hint="--site",
        )
    return SimulatedHospital(name, "held-out" if place != store else "training", Path(store))
