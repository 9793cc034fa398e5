"""The command `pneumofed`. Each command imports its heavy parts when it runs, so that help is quick."""

import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import click
import typer

from deploy.commands.coordinator import coordinator_app
from deploy.commands.diagnose import diagnose
from deploy.commands.figure_lines import store_lines
from deploy.commands.hospital import hospital_app
from deploy.commands.options import AsJson, Device, EngineOption, Model, Out, Seed
from deploy.commands.output import print_json
from deploy.commands.release import release_app
from deploy.commands.simulate import simulate
from deploy.commands.study_output import print_study
from deploy.progress import Steps
from shared_model.errors import DISK_FULL, PneumofedError

FAILED, INTERRUPTED = 1, 130


def _print_version(wanted: bool) -> None:
    """This package's version and the protocol's, by which hospitals and coordinator must agree."""
    if wanted:
        from shared_model.protocol import PROTOCOL
        from shared_model.versions import package_version

        typer.echo(f"pneumofed {package_version()}, protocol {PROTOCOL}")
        raise typer.Exit


app = typer.Typer(
    name="pneumofed",
    help="Hospitals train one chest-CT diagnosis model together; no scan ever leaves a hospital.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options of `pneumofed` itself."""


app.add_typer(hospital_app, name="hospital")
app.add_typer(coordinator_app, name="coordinator")
app.add_typer(release_app, name="release")


app.command()(simulate)


@app.command()
def demo(
    out: Out,
    quick: Annotated[bool, typer.Option("--quick", help="About 90 seconds; may learn little.")] = False,
    seed: Seed = 0,
    hospitals: Annotated[
        Literal["demo", "paper", "one-class"],
        typer.Option(
            help="Which federation; paper: Table 2's six; one-class: each hospital has one label only."
        ),
    ] = "demo",
    scans: Annotated[
        int | None, typer.Option(min=1, help="Training scans in all; else the federation's own.")
    ] = None,
    engine: EngineOption = "workers",
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Phantom hospitals, federated training, evaluation and report, in one go."""
    from deploy.demo import full_plan, quick_plan, run_demo

    command = (
        f"pneumofed demo --out {out.name}"
        + (" --quick" if quick else "")
        + (f" --seed {seed}" if seed else "")
        + (f" --hospitals {hospitals}" if hospitals != "demo" else "")
        + (f" --scans {scans}" if scans is not None else "")
        + (f" --engine {engine}" if engine != "workers" else "")
        + (f" --device {device}" if device != "auto" else "")
    )
    plan = quick_plan(hospitals, scans) if quick else full_plan(hospitals, scans)
    document = run_demo(
        out,
        plan=plan,
        seed=seed,
        command=command,
        steps=Steps(quiet=as_json),
        engine=engine,
        device=device,
    )
    print_study(document, out, as_json=as_json)


@app.command("try")
def try_here(
    out: Out,
    yes: Annotated[bool, typer.Option("--yes", help="Approve at each hospital without being asked.")] = False,
) -> None:
    """A deployed federation on this machine: four parties as real processes, a short study, its report.

    Shows every command before it runs. Needs nginx. The scans are phantoms.
    """
    from deploy.try_federation import try_federation

    report = try_federation(out, say=typer.echo, approve_all=yes)
    typer.echo(f"open {report}")


@app.command()
def phantom(
    out: Out,
    preset: Annotated[str, typer.Option(help="Which hospitals: tiny, demo, one-class or paper.")] = "demo",
    scans: Annotated[int | None, typer.Option(min=1, help="Scans in all; else the preset's own.")] = None,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Write phantom hospitals as DICOM, with labels and the truth."""
    from preprocessing.phantom.hospital import make_hospitals
    from preprocessing.phantom.presets import hospital_plans
    from preprocessing.processes import cores

    with Steps(quiet=as_json) as steps, steps.step("phantom hospitals") as progress:
        hospitals = make_hospitals(
            hospital_plans(preset, scans), out, seed=seed, jobs=cores(), progress=progress
        )
    if as_json:
        print_json(
            {"hospitals": [{"name": h.name, "role": h.role, "folder": str(h.folder)} for h in hospitals]}
        )
    else:
        for hospital in hospitals:
            typer.echo(f"{hospital.role:9} {hospital.folder}")


@app.command()
def evaluate(
    model: Model,
    store: Annotated[Path, typer.Option("--store", help="Store made by `pneumofed hospital prepare`.")],
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Measure a model on all scans of a hospital's store, with 95 % intervals."""
    from deploy.evaluate import evaluate as measure

    with Steps(quiet=as_json) as steps, steps.step("evaluating") as progress:
        figures = measure(model, store, progress, device=device)
    if as_json:
        print_json(figures)
        return
    for line in store_lines(figures):
        typer.echo(line)
    typer.echo(figures["trained_on"])


app.command()(diagnose)


@app.command()
def export(model: Model, out: Out) -> None:
    """Write both networks of a model as ONNX. Needs pneumofed\\[onnx].

    They judge lobes: preprocessing and the scan decision are not in them (docs/diagnosis.md).
    """
    from deploy.export_model import export_model

    for path in export_model(model, out):
        typer.echo(path)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run `pneumofed`: exit 0 when done, 1 when it failed, 2 on wrong use, 130 when interrupted.

    An error that a user can correct ends in one line on stderr: `error [code]: what, where, remedy`.
    """
    os.umask(0o077)  # all that is written is for its owner alone, but for what says otherwise
    warnings.simplefilter("ignore")  # DICOM libraries warn with what they read: a patient's name
    try:
        code = app(args=arguments, standalone_mode=False)
    except PneumofedError as error:
        _fail(error.code, str(error))
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.exceptions.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    except OSError as error:
        if error.errno in DISK_FULL:
            _fail("disk-full", "no space is left on the disk; free some and run the same command again")
        _fail(
            "file-error",
            f"{error.filename or 'a file'}: {error.strerror or error}; check its path and rights",
        )
    if code == INTERRUPTED:
        typer.echo("interrupted", err=True)
    sys.exit(code if isinstance(code, int) else 0)


def _fail(code: str, message: str) -> None:
    typer.echo(f"error [{code}]: {' '.join(message.split())}", err=True)
    sys.exit(FAILED)
