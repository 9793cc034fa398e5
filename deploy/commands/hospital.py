"""What a hospital's people decide: `pneumofed hospital approve`, `pause`, `resume`, `withdraw`, `audit`.

They write to the hospital's state folder, which the trainer reads several times a second. So they work at
once, also while it does not run. Each decision goes to the audit log.
"""

import getpass
import json
import os
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from client.hospital_settings import HospitalSettings, load_hospital_settings
from client.privacy.ledger import PrivacyLedger
from client.records.audit import AuditLog
from client.trainer.approvals import Approvals, StudyFile
from deploy.commands.hospital_data import hospital_app
from shared_model.errors import PneumofedError

Site = Annotated[Path, typer.Option("--site", help="The hospital's settings, hospital.toml.")]
Fingerprint = Annotated[str | None, typer.Argument(help="Of the study; needed where there are several.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")]
SITE = Path("hospital.toml")

__all__ = ["SITE", "Site", "hospital_app"]


@hospital_app.command()
def approve(
    fingerprint: Fingerprint = None,
    site: Site = SITE,
    yes: Annotated[bool, typer.Option("--yes", help="Approve without being asked.")] = False,
) -> None:
    """Show what a proposed study will do here, and approve it."""
    from client.trainer.proposal_summary import summarise_proposal

    hospital, approvals, audit = _open(site)
    study = _choose(approvals, fingerprint, ("waiting", "withdrawn"), "waits for a decision")
    proposal = study.proposal
    before, spent = approvals.last_approved(proposal.fingerprint), PrivacyLedger(hospital.state).epsilon()
    typer.echo(summarise_proposal(proposal, hospital, before, epsilon_spent=spent))
    if not yes and not typer.confirm("\nApprove?", default=False):
        typer.echo("not approved")
        raise typer.Exit(1)
    audit.write("approved", study=proposal.fingerprint, name=proposal.study.name, by=getpass.getuser())
    approvals.decide(proposal, "approved", at=time.time())
    typer.echo(f"approved {proposal.fingerprint}")


@hospital_app.command()
def withdraw(fingerprint: Fingerprint = None, site: Site = SITE) -> None:
    """Leave a study: its running task is stopped and no other is done. What was sent stays in the model."""
    _, approvals, audit = _open(site)
    study = _choose(approvals, fingerprint, ("approved", "waiting"), "is approved or waits")
    audit.write("withdrawn", study=study.proposal.fingerprint, by=getpass.getuser())
    approvals.decide(study.proposal, "withdrawn", at=time.time())
    typer.echo(f"withdrawn from {study.proposal.fingerprint}")


@hospital_app.command()
def pause(site: Site = SITE) -> None:
    """Stop what runs and refuse all tasks until `resume`."""
    _, approvals, audit = _open(site)
    audit.write("paused", by=getpass.getuser())
    approvals.pause()
    typer.echo("paused")


@hospital_app.command()
def resume(site: Site = SITE) -> None:
    """Take tasks again after `pause`."""
    _, approvals, audit = _open(site)
    audit.write("resumed", by=getpass.getuser())
    approvals.resume()
    typer.echo("resumed")


@hospital_app.command()
def studies(site: Site = SITE, as_json: AsJson = False) -> None:
    """The studies that were proposed to this hospital, and what it decided."""
    _, approvals, _ = _open(site)
    known: list[dict[str, Any]] = [
        {"fingerprint": s.proposal.fingerprint, "name": s.proposal.study.name, "decision": s.decision}
        for s in approvals.all()
    ]
    if as_json:
        typer.echo(json.dumps({"paused": approvals.paused, "studies": known}, indent=2))
        return
    for one in known:
        typer.echo(f"{one['fingerprint']}  {one['decision']:9}  {one['name']}")
    typer.echo("paused: all tasks are refused" if approvals.paused else f"{len(known)} studies")


@hospital_app.command()
def audit(
    site: Site = SITE,
    verify: Annotated[bool, typer.Option("--verify", help="Only say whether the log is whole.")] = False,
    head: Annotated[str | None, typer.Option(help="A hash noted earlier that must be in the log.")] = None,
    as_json: AsJson = False,
) -> None:
    """Every decision and task of this hospital, and what left; ends with 1 where the log is not whole."""
    _, _, log = _open(site)
    entries = log.entries()
    if head is not None and head not in {entry.hash for entry in entries}:
        raise PneumofedError("audit-damaged", "the hash given is not in the log: it was replaced by another")
    last = entries[-1].hash if entries else "none"
    if as_json:
        lines = [] if verify else [{"time": e.time, "event": e.event, **e.facts} for e in entries]
        typer.echo(json.dumps({"entries": len(entries), "head": last, "lines": lines}, indent=2))
        return
    for entry in [] if verify else entries:
        facts = ", ".join(f"{name} {value}" for name, value in entry.facts.items())
        typer.echo(f"{entry.time}  {entry.event}  {facts}")
    typer.echo(f"the log is whole: {len(entries)} lines; note the last hash elsewhere: {last}")


@hospital_app.command()
def healthy(site: Site = SITE) -> None:
    """Whether the trainer answers at its socket; ends with 1 where it does not."""
    from client.node.trainer_client import trainer_is_healthy

    if not trainer_is_healthy(load_hospital_settings(site).socket):
        raise PneumofedError("trainer-unreachable", "no trainer answers at its socket; see that it runs")
    typer.echo("the trainer answers")


def _open(site: Path) -> tuple[HospitalSettings, Approvals, AuditLog]:
    """The hospital and its state. Raises `wrong-user`, else the trainer could not read what is written."""
    hospital = load_hospital_settings(site)
    hospital.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    if hospital.state.stat().st_uid != os.geteuid():
        raise PneumofedError(
            "wrong-user",
            f"{hospital.state} is another user's; run this as that user (sudo -u)",
        )
    return hospital, Approvals(hospital.state), AuditLog(hospital.state)


def _choose(
    approvals: Approvals, fingerprint: str | None, decisions: tuple[str, ...], words: str
) -> StudyFile:
    """The study named, or the only one of the first of `decisions` that has any."""
    if fingerprint is not None:
        known = approvals.find(fingerprint) if fingerprint.isalnum() else None
        if known is None or known.decision not in decisions:
            raise PneumofedError("study-unknown", f"no study {fingerprint} {words}; see `hospital studies`")
        return known
    known_all = approvals.all()
    candidates: list[StudyFile] = []
    for decision in decisions:
        candidates = candidates or [study for study in known_all if study.decision == decision]
    if len(candidates) != 1:
        raise PneumofedError(
            "study-unknown",
            f"name one of the studies that {words}: there are {len(candidates)}",
        )
    return candidates[0]
