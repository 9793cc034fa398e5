"""The commands between PACS and model, and the one that installs them as services.

Each but that is a process of its own, with its own rights (docs/pacs.md). What they print holds nothing of a
patient.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.commands.options import AsJson
from deploy.commands.output import print_json
from shared_model.quantity import quantity

if TYPE_CHECKING:
    from client.pacs.pacs_settings import PacsSettings

PacsFile = Annotated[Path, typer.Option("--pacs", help="Settings of the PACS, pacs.toml.")]
PACS_FILE = Path("pacs.toml")
Once = Annotated[bool, typer.Option("--once", help="End when nothing is left to do.")]


def _settings(pacs: Path, *, network: bool = True) -> "PacsSettings":
    """The settings, after what each of these processes does first; network: it talks to the PACS."""
    from client.pacs.libraries import check_pacs_libraries, quiet_libraries
    from client.pacs.pacs_settings import load_pacs_settings
    from deploy.logs import log_to_stderr

    if network:
        check_pacs_libraries()
    log_to_stderr()
    quiet_libraries()
    os.umask(0o027)  # the next process may be another user, of the folder's group
    return load_pacs_settings(pacs)


def listen(pacs: PacsFile = PACS_FILE) -> None:
    """Receive studies from the PACS by C-STORE into the inbox, until it is ended. Needs pneumofed\\[pacs]."""
    settings = _settings(pacs)
    from client.pacs.listen import listen as run

    run(settings)


def fetch(pacs: PacsFile = PACS_FILE, as_json: AsJson = False) -> None:
    """Take studies from the PACS by DICOMweb into the inbox. Needs pneumofed\\[pacs].

    Reads their StudyInstanceUIDs from standard input, one a line. Ends with 1 if any is not complete.
    """
    settings = _settings(pacs)
    from client.pacs.fetch import fetch_studies

    lines = (line.strip() for line in typer.get_text_stream("stdin"))
    studies = fetch_studies(settings, [line for line in lines if line])
    failed = [one for one in studies if one.code]
    if as_json:
        print_json({"studies": [vars(one) for one in studies], "failed": len(failed)})
    else:
        typer.echo(f"{quantity(len(studies) - len(failed), 'study')} complete, {len(failed)} not")
    raise typer.Exit(1 if failed else 0)


def diagnose(pacs: PacsFile = PACS_FILE, once: Once = False) -> None:
    """Diagnose complete studies of the inbox, and uploads, until it is ended. Needs no network."""
    settings = _settings(pacs, network=False)
    from client.diagnosis.diagnose_folder import load_for_diagnosis
    from client.learning.malloc_settings import keep_freed_memory
    from client.pacs.ending import ending_on_signal
    from client.pacs.study_queue import QueuedInbox, StudyQueue

    keep_freed_memory()
    model = load_for_diagnosis(settings.model, settings.device)
    # An upload may be of a study that the PACS does not have.
    inboxes = (QueuedInbox(settings.inbox), QueuedInbox(settings.uploads, dicom=False))
    queue = StudyQueue(inboxes, settings.results, model, settings.keep_days)
    queue.run(ending_on_signal(), once=once)


def deliver(pacs: PacsFile = PACS_FILE, once: Once = False) -> None:
    """Send results to the PACS by C-STORE or STOW-RS, until it is ended. Needs pneumofed\\[pacs]."""
    settings = _settings(pacs)
    from client.pacs.delivery import delivery_of
    from client.pacs.ending import ending_on_signal

    delivery_of(settings).run(ending_on_signal(), once=once)


def undelivered(
    pacs: PacsFile = PACS_FILE,
    retry: Annotated[str | None, typer.Option(metavar="STUDY", help="Try this dead letter again.")] = None,
    retry_all: Annotated[bool, typer.Option("--retry-all", help="Try all dead letters again.")] = False,
    as_json: AsJson = False,
) -> None:
    """Results that the PACS does not have: dead letters, and those that wait for their next attempt."""
    from client.pacs.delivery_record import DeliveryRecords
    from client.pacs.pacs_settings import load_pacs_settings

    records = DeliveryRecords(load_pacs_settings(pacs).delivery)
    dead = [study for study, record in records.undelivered().items() if record.state == "dead"]
    for study in [retry] if retry is not None else dead if retry_all else []:
        records.retry(study)
    left = records.undelivered()
    if as_json:
        print_json({"studies": [{"study": name} | record.model_dump() for name, record in left.items()]})
        return
    for name, record in left.items():
        tried = quantity(record.attempts, "attempt")
        typer.echo(f"{name}  {record.state:7}  {record.objects} objects  {tried}  {record.code}")
    typer.echo(f"{quantity(len(left), 'study')} undelivered")


def install_pacs(
    pacs: PacsFile = PACS_FILE,
    only_print: Annotated[
        bool, typer.Option("--print", help="Print the commands as a shell script, and do nothing.")
    ] = False,
) -> None:
    """As root: receiver, worker, delivery and reading room as services of systemd; starts none.

    They run as three users. The folders are those of pacs.toml; there must be a model.
    """
    from deploy.pacs_install import install_pacs as run
    from deploy.pacs_install import plan_pacs_install

    plan = plan_pacs_install(pacs)
    if only_print:
        typer.echo(plan.script(), nl=False)
        return
    run(plan, typer.echo)
    typer.echo(f"start them: {plan.start}")
