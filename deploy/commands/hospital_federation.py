"""The commands of a hospital in a federation: decisions on studies, checks, and the processes of `join`.

Each imports its heavy parts when it runs, so that help is quick.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from deploy.commands.json_words import in_words
from deploy.commands.options import HOSPITAL_FILE, AsJson, HospitalFile
from deploy.commands.output import print_json
from shared_model.printable_text import escape
from shared_model.quantity import quantity

StudyName = Annotated[
    str | None,
    typer.Argument(metavar="[STUDY]", help="Fingerprint or name of the study; needed if there are several."),
]


def approve(
    study: StudyName = None,
    site: HospitalFile = HOSPITAL_FILE,
    yes: Annotated[
        bool, typer.Option("--yes", help="Approve without being asked; needs the study's fingerprint.")
    ] = False,
) -> None:
    """Show what a proposed study will do here, and approve it."""
    from client.trainer.study_decisions import HospitalDecisions
    from shared_model.proposal import as_fingerprint

    decisions = HospitalDecisions(site)
    proposal = decisions.proposed(study)
    # Of one name there may be another study than the one that people looked at.
    if yes and (study is None or as_fingerprint(study) != proposal.fingerprint):
        raise typer.BadParameter("name the study that you looked at: approve FINGERPRINT --yes")
    typer.echo(decisions.summary(proposal))
    if not yes and not typer.confirm("\nApprove?", default=False):
        typer.echo("not approved")
        raise typer.Exit(1)
    decisions.approve(proposal)
    typer.echo(f"approved {proposal.fingerprint}")


def withdraw(study: StudyName = None, site: HospitalFile = HOSPITAL_FILE) -> None:
    """Leave a study: its running task is stopped and no other is done. What was sent stays in the model."""
    from client.trainer.study_decisions import HospitalDecisions

    typer.echo(f"withdrawn from {HospitalDecisions(site).withdraw(study).fingerprint}")


def pause(site: HospitalFile = HOSPITAL_FILE) -> None:
    """Stop what runs and refuse all tasks until `resume`."""
    from client.trainer.study_decisions import HospitalDecisions

    HospitalDecisions(site).pause()
    typer.echo("paused")


def resume(site: HospitalFile = HOSPITAL_FILE) -> None:
    """Take tasks again after `pause`."""
    from client.trainer.study_decisions import HospitalDecisions

    HospitalDecisions(site).resume()
    typer.echo("resumed")


def studies(site: HospitalFile = HOSPITAL_FILE, as_json: AsJson = False) -> None:
    """The studies that were proposed to this hospital, and what it decided."""
    from client.trainer.study_decisions import HospitalDecisions

    approvals = HospitalDecisions(site).approvals
    known: list[dict[str, Any]] = [
        {"fingerprint": s.proposal.fingerprint, "name": s.proposal.study.name, "decision": s.decision}
        for s in approvals.all()
    ]
    damaged = [{"fingerprint": one, "name": "", "decision": "damaged"} for one in approvals.damaged()]
    if as_json:
        print_json({"paused": approvals.paused, "studies": known + damaged})
        return
    for one in known + damaged:
        typer.echo(f"{one['fingerprint']}  {one['decision']:9}  {escape(one['name'])}")
    typer.echo("paused: all tasks are refused" if approvals.paused else quantity(len(known), "study"))


def status(site: HospitalFile = HOSPITAL_FILE, as_json: AsJson = False) -> None:
    """How this hospital stands: its connection, its trainer, its store, its studies, what it did last."""
    from client.hospital_settings import load_hospital_settings
    from deploy.hospital_status import hospital_status, status_in_words

    found = hospital_status(load_hospital_settings(site))
    if as_json:
        print_json(found)
    else:
        typer.echo("\n".join(status_in_words(found)))


def audit(
    site: HospitalFile = HOSPITAL_FILE,
    verify: Annotated[bool, typer.Option("--verify", help="Only say whether the log is whole.")] = False,
    head: Annotated[str | None, typer.Option(help="A hash noted earlier that must be in the log.")] = None,
    as_json: AsJson = False,
) -> None:
    """Every decision and task of this hospital, and what left; ends with 1 if the log is not whole."""
    from client.trainer.study_decisions import HospitalDecisions

    entries = HospitalDecisions(site).audit.entries(noted=head)
    last = entries[-1].hash if entries else "none"
    if as_json:
        lines = [] if verify else [{"time": e.time, "event": e.event, **e.facts} for e in entries]
        print_json({"entries": len(entries), "head": last, "lines": lines})
        return
    for entry in [] if verify else entries:
        facts = ", ".join(f"{name} {in_words(value)}" for name, value in entry.facts.items())
        typer.echo(escape(f"{entry.time}  {entry.event}  {facts}"))
    typer.echo(f"the log is whole: {len(entries)} lines; note the last hash elsewhere: {last}")


def metrics(site: HospitalFile = HOSPITAL_FILE) -> None:
    """Print the hospital's state as OpenMetrics text, for a monitoring that reads files."""
    from client.hospital_settings import load_hospital_settings
    from deploy.hospital_metrics import hospital_metrics
    from deploy.openmetrics import openmetrics

    typer.echo(openmetrics(hospital_metrics(load_hospital_settings(site))), nl=False)


def healthy(
    site: HospitalFile = HOSPITAL_FILE,
    node: Annotated[bool, typer.Option("--node", help="Whether the node is connected instead.")] = False,
) -> None:
    """Whether the trainer answers at its socket; ends with 1 if it does not."""
    from client.hospital_settings import load_hospital_settings
    from deploy.join import check_connected, check_trainer

    hospital = load_hospital_settings(site)
    if node:
        check_connected(hospital)
        typer.echo("the node is connected to the coordinator")
    else:
        check_trainer(hospital)
        typer.echo("the trainer answers")


def join(site: HospitalFile = HOSPITAL_FILE) -> None:
    """Take part in the federation: start the node and the trainer, and keep both running."""
    from deploy.join import join as run
    from deploy.logs import log_to_stderr

    log_to_stderr()
    run(site)


def install(
    site: HospitalFile = HOSPITAL_FILE,
    target: Annotated[Path, typer.Option("--to", help="Folder where the services look for the kit.")] = Path(
        "/var/lib/pneumofed"
    ),
    only_print: Annotated[
        bool, typer.Option("--print", help="Print the commands as a shell script, and do nothing.")
    ] = False,
) -> None:
    """As root: node and trainer as two services of systemd, as two users; starts neither."""
    from deploy.hospital_install import install as run
    from deploy.hospital_install import plan_install
    from deploy.install_steps import START

    plan = plan_install(site, target)
    if only_print:
        typer.echo(plan.script(), nl=False)
        return
    run(plan, typer.echo)
    typer.echo(f"installed in {plan.target}; both users reach what they need and nothing else")
    if plan.source != plan.target:
        typer.echo(f"delete the kit in {plan.source}: it holds the keys")
    typer.echo(f"start both: {START}")


def preflight(site: HospitalFile = HOSPITAL_FILE, as_json: AsJson = False) -> None:
    """Check machine, files and the way to the coordinator before joining; ends with 1 if a check fails."""
    from dataclasses import asdict

    from client.hospital_settings import load_hospital_settings
    from client.preflight.preflight import preflight as run

    rows = run(load_hospital_settings(site))
    failed = any(row.state == "fail" for row in rows)
    if as_json:
        print_json({"ok": not failed, "rows": [asdict(row) for row in rows]})
    else:
        for row in rows:
            remedy = f": {row.remedy}" if row.remedy else ""
            typer.echo(f"{row.state:4}  {row.check:13} {row.found}{remedy}")
    if failed:
        raise typer.Exit(1)


def trainer(site: HospitalFile = HOSPITAL_FILE) -> None:
    """Run the trainer alone: the part with data and GPU. It needs no network."""
    from client.hospital_settings import load_hospital_settings
    from client.trainer.server import run_trainer
    from deploy.logs import log_to_stderr
    from deploy.release.installed import check_installed

    log_to_stderr()
    hospital = load_hospital_settings(site)
    check_installed(hospital.release)
    run_trainer(hospital)


def node(site: HospitalFile = HOSPITAL_FILE) -> None:
    """Run the node alone: the part that faces the network. It reaches the trainer through its socket."""
    from deploy.join import run_node

    run_node(site)
