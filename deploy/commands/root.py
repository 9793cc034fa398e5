"""The command `pneumofed`. Each command imports its heavy parts when it runs, so that help is quick."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import click
import typer

from deploy.commands.coordinator import coordinator_app
from deploy.commands.hospital import SITE, Site
from deploy.commands.hospital_data import hospital_app
from shared_model.errors import DISK_FULL, PneumofedError

FAILED, WRONG_USE, INTERRUPTED = 1, 2, 130

app = typer.Typer(
    name="pneumofed",
    help="Hospitals train one chest-CT diagnosis model together; no scan ever leaves a hospital.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(hospital_app, name="hospital")
app.add_typer(coordinator_app, name="coordinator")

Out = Annotated[Path, typer.Option("--out", help="New folder to write into.")]
Seed = Annotated[int, typer.Option(min=0, help="Of every random draw; the same seed gives the same result.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")]
Model = Annotated[Path, typer.Option("--model", help="Folder of a model (model.safetensors, model.json).")]


@app.command()
def demo(
    out: Out,
    quick: Annotated[bool, typer.Option("--quick", help="About 90 seconds; may learn little.")] = False,
    seed: Seed = 0,
    engine: Annotated[
        Literal["local", "ray"], typer.Option(help="'ray': hospitals side by side; pneumofed[simulation].")
    ] = "local",
    as_json: AsJson = False,
) -> None:
    """Phantom hospitals, federated training, evaluation and report, in one go."""
    from deploy.demo import FULL, QUICK, run_demo
    from deploy.progress import Steps

    command = (
        f"pneumofed demo --out {out.name}"
        + (" --quick" if quick else "")
        + (f" --seed {seed}" if seed else "")
        + (f" --engine {engine}" if engine != "local" else "")
    )
    steps = Steps(quiet=as_json)
    plan = QUICK if quick else FULL
    document = run_demo(out, plan=plan, seed=seed, command=command, steps=steps, engine=engine)
    if as_json:
        _print_json({name: document[name] for name in ("pooled", "weights_sha256", "seconds")})
        return
    for task, block in document["pooled"]["unseen"].items():
        typer.echo(
            f"unseen hospitals, {task}: AUC {_figure(block['auc'])}, accuracy {_figure(block['accuracy'])}"
        )
    typer.echo(", ".join(f"{name} {seconds:.0f} s" for name, seconds in steps.seconds.items()))
    typer.echo(f"open {out / 'report.html'}")


@app.command()
def phantom(
    out: Out,
    preset: Annotated[str, typer.Option(help="Which hospitals: tiny, demo or paper.")] = "demo",
    scans: Annotated[int | None, typer.Option(min=1, help="Scans in all; else the preset's own.")] = None,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Write phantom hospitals as DICOM, with labels and the truth."""
    from deploy.progress import Steps
    from preprocessing.phantom.hospital import make_hospitals
    from preprocessing.processes import cores

    with Steps(quiet=as_json) as steps, steps.step("phantom hospitals") as advance:
        hospitals = make_hospitals(preset, out, scans=scans, seed=seed, jobs=cores(), progress=advance)
    if as_json:
        _print_json(
            {"hospitals": [{"name": h.name, "role": h.role, "folder": str(h.folder)} for h in hospitals]}
        )
    else:
        for hospital in hospitals:
            typer.echo(f"{hospital.role:9} {hospital.folder}")


@app.command()
def evaluate(
    model: Model,
    store: Annotated[Path, typer.Option("--store", help="Store made by `pneumofed hospital prepare`.")],
    as_json: AsJson = False,
) -> None:
    """Measure a model on all scans of a hospital's store, with 95 % intervals."""
    from deploy.evaluate import evaluate as measure
    from deploy.progress import Steps

    with Steps(quiet=as_json) as steps, steps.step("evaluating") as advance:
        figures = measure(model, store, advance)
    if as_json:
        _print_json(figures)
        return
    for task in ("diseased", "covid"):
        block = figures[task]
        for name in ("accuracy", "sensitivity", "specificity", "auc"):
            typer.echo(
                f"{task:8} {name:11} {_figure(block[name]) if block[name] else block['undefined'][name]}"
            )
    typer.echo(figures["trained_on"])


@app.command()
def diagnose(
    folder: Annotated[Path, typer.Argument(help="Folder with one CT series.")],
    model: Model,
    out: Out,
    as_json: AsJson = False,
) -> None:
    """Diagnose one scan: verdict, infected areas, the slices to look at first."""
    from client.diagnosis.diagnose_folder import diagnose_folder
    from client.learning.allocator import keep_freed_memory
    from deploy.progress import Steps

    keep_freed_memory()
    with Steps(quiet=as_json) as steps, steps.step("diagnosing") as advance:
        document = diagnose_folder(folder, model, out, progress=lambda _, done, total: advance(done, total))
    if as_json:
        _print_json(document)
    else:
        typer.echo(f"{document['verdict']}: see {out}")


@hospital_app.command()
def join(site: Site = SITE) -> None:
    """Take part in the federation: start the node and the trainer, and keep both running."""
    from deploy.join import join as run
    from deploy.logs import log_to_stderr

    log_to_stderr()
    run(site)


@hospital_app.command()
def preflight(site: Site = SITE, as_json: AsJson = False) -> None:
    """Check machine, files and the way to the coordinator before joining; ends with 1 where a check fails."""
    from client.hospital_settings import load_hospital_settings
    from client.preflight.preflight import preflight as look

    rows = look(load_hospital_settings(site))
    if as_json:
        _print_json({"ok": all(r.state != "fail" for r in rows), "rows": [asdict(row) for row in rows]})
    else:
        for row in rows:
            typer.echo(
                f"{row.state:4}  {row.check:13} {row.found}" + (f": {row.remedy}" if row.remedy else "")
            )
    if any(row.state == "fail" for row in rows):
        raise typer.Exit(FAILED)


@hospital_app.command()
def trainer(site: Site = SITE) -> None:
    """Run the trainer alone: the part with data and GPU. It needs no network."""
    from client.hospital_settings import load_hospital_settings
    from client.trainer.server import run_trainer
    from deploy.logs import log_to_stderr

    log_to_stderr()
    run_trainer(load_hospital_settings(site))


@hospital_app.command()
def node(site: Site = SITE) -> None:
    """Run the node alone: the part that faces the network. It reaches the trainer through its socket."""
    from deploy.join import run_node

    run_node(site)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run `pneumofed`: exit 0 when done, 1 when it failed, 2 on wrong use, 130 when interrupted.

    What a user can mend ends in one line on stderr: `error [code]: what, where, remedy`.
    """
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


def _figure(figure: dict[str, Any] | None) -> str:
    return (
        "undefined"
        if figure is None
        else f"{figure['value']:.3f} ({figure['low']:.3f} to {figure['high']:.3f})"
    )


def _print_json(document: dict[str, Any]) -> None:
    typer.echo(json.dumps(document, indent=2, allow_nan=False))


if __name__ == "__main__":
    main()
