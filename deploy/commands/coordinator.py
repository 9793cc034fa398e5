"""The commands `pneumofed coordinator ...`; each imports its heavy parts when it runs."""

from pathlib import Path
from typing import Annotated

import typer

from deploy.commands.coordinator_study import rehearse, run, status, stop, watch
from deploy.commands.options import AsJson, FederationFile
from deploy.commands.output import print_json
from shared_model.quantity import quantity

coordinator_app = typer.Typer(
    help="Provision a federation, serve it, run studies.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

NOT_SERVING = "as soon as `coordinator serve` runs, which does not answer now"

Hospital = Annotated[str, typer.Argument(help="Short name of a hospital of the federation.")]


@coordinator_app.command()
def provision(file: FederationFile, as_json: AsJson = False) -> None:
    """Make CA, server certificate and a kit for each hospital. Run it again to add hospitals."""
    from deploy.coordinator.provision import provision as run
    from deploy.coordinator.settings import load_federation

    made = run(load_federation(file))
    if as_json:
        key = None if made.ca_key is None else str(made.ca_key)
        print_json({"new_ca": made.new_ca, "ca_key": key, "kits": [str(kit) for kit in made.kits]})
        return
    if made.new_ca:
        typer.echo(
            "made a CA: keep a copy of its folder elsewhere; without it every hospital needs a new kit"
        )
    if made.ca_key is not None:
        typer.echo(
            f"{made.ca_key} signs what hospitals and proxy believe: move it to a medium that is not "
            "connected. `serve` and `run` do without it; `renew`, `kit` and `provision` for new hospitals "
            "ask for it."
        )
    for kit in made.kits:
        typer.echo(f"{kit}: holds the hospital's keys; hand it over in person or encrypted, then delete it")
    typer.echo(quantity(len(made.kits), "new kit"))


@coordinator_app.command()
def renew(file: FederationFile) -> None:
    """A new server certificate from the same CA. `serve` loads it by itself; hospitals need to do nothing."""
    from deploy.coordinator.provision import renew as run
    from deploy.coordinator.settings import load_federation

    typer.echo(f"renewed {run(load_federation(file))}")


@coordinator_app.command()
def revoke(file: FederationFile, hospital: Hospital) -> None:
    """Shut a hospital out: its key is no longer accepted. `kit` makes it a new one."""
    from deploy.coordinator.provision import revoke as run
    from deploy.coordinator.serve import register_nodes_now
    from deploy.coordinator.settings import load_federation

    federation = load_federation(file)
    run(federation, hospital)
    when = "at once" if register_nodes_now(federation) else NOT_SERVING
    typer.echo(f"revoked {hospital}: shut out {when}")


@coordinator_app.command()
def acknowledge(file: FederationFile, hospital: Hospital) -> None:
    """Take back a hospital's quarantine, or a notice of its audit log, once you know the reason."""
    from deploy.coordinator.acknowledge import acknowledge as run
    from deploy.coordinator.settings import load_federation

    codes = run(load_federation(file), hospital)
    typer.echo(f"{hospital}: {', '.join(codes)} taken back; it is asked again in the next run")


@coordinator_app.command()
def kit(file: FederationFile, hospital: Hospital) -> None:
    """A new kit, with a new key, for a hospital that lost its kit or was revoked. The old key is shut out."""
    from deploy.coordinator.provision import new_kit
    from deploy.coordinator.serve import register_nodes_now
    from deploy.coordinator.settings import load_federation

    federation = load_federation(file)
    typer.echo(f"{new_kit(federation, hospital)}: hand it over in person or encrypted")
    when = "at once" if register_nodes_now(federation) else NOT_SERVING
    typer.echo(f"it replaces the hospital's earlier key {when}")


@coordinator_app.command()
def serve(file: FederationFile) -> None:
    """Run the coordinator's processes and keep them running."""
    from deploy.coordinator.serve import serve as run
    from deploy.logs import log_to_stderr

    log_to_stderr()
    run(file)


for command in (run, rehearse, watch, stop, status):
    coordinator_app.command()(command)


@coordinator_app.command()
def report(
    file: FederationFile,
    study: Annotated[
        str | None,
        typer.Option("--study", help="Its name, file or fingerprint; needless if there is only one."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder to write into; else the study's own.")
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option("--against", help="report.json of another finished study, to stand beside this one."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a study's report again from the ledger. Nothing needs to run, and nothing is measured."""
    from deploy.coordinator.report import report as write
    from deploy.coordinator.report import report_paths
    from deploy.coordinator.settings import load_federation
    from server.report.report_files import PAGE

    folder, document = write(load_federation(file), study, out, against)
    if as_json:
        print_json({"partial": document["partial"], **report_paths(folder)})
    else:
        typer.echo(document["statement"])
        typer.echo(f"open {folder / PAGE}")


@coordinator_app.command()
def view(
    file: FederationFile,
    port: Annotated[int, typer.Option(help="On 127.0.0.1; 0 for a free one.")] = 8470,
) -> None:
    """Serve pages of hospitals, rounds and reports to this machine's browser; prints the address."""
    from deploy.pages.access import new_token
    from deploy.pages.coordinator.coordinator_pages import coordinator_pages
    from deploy.pages.serving import serve_page

    serve_page(coordinator_pages(file, new_token()), port, typer.echo)


@coordinator_app.command()
def metrics(file: FederationFile) -> None:
    """Print the state as OpenMetrics text, for a monitoring that reads files."""
    from deploy.coordinator.metrics import coordinator_metrics
    from deploy.coordinator.settings import load_federation
    from deploy.coordinator.status import status_document
    from deploy.openmetrics import openmetrics

    typer.echo(openmetrics(coordinator_metrics(status_document(load_federation(file)))), nl=False)


@coordinator_app.command()
def healthy(file: FederationFile) -> None:
    """Whether SuperLink and proxy answer; ends with 1 if one does not."""
    from deploy.coordinator.settings import load_federation
    from deploy.coordinator.status import check_healthy

    check_healthy(load_federation(file))
    typer.echo("SuperLink and proxy answer")


@coordinator_app.command(hidden=True)
def register_nodes(file: FederationFile) -> None:
    """Keep SuperLink's registered nodes equal to the federation's hospitals (part of `serve`)."""
    from deploy.coordinator.serve import keep_nodes_registered
    from deploy.logs import log_to_stderr

    log_to_stderr()
    keep_nodes_registered(file)


@coordinator_app.command(hidden=True)
def send_notices(file: FederationFile) -> None:
    """Tell people when a study waits, fails or ends, as `[notice]` says (part of `serve`)."""
    from deploy.coordinator.notices import keep_telling
    from deploy.logs import log_to_stderr

    log_to_stderr()
    keep_telling(file)
