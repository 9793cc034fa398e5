"""The commands of the reading room: `read`, `reader ...`, `readings ...`."""

import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.commands.hospital_pacs import PACS_FILE, PacsFile
from deploy.commands.options import AsJson
from deploy.commands.output import print_json
from shared_model.errors import PneumofedError
from shared_model.quantity import quantity

if TYPE_CHECKING:
    from client.pacs.pacs_settings import PacsSettings
    from client.reading_room.accounts import Accounts

Name = Annotated[str, typer.Argument(help="Name with which the reader logs in.")]

reader_app = typer.Typer(
    help="Who may log in to the reading room. Passwords are asked for, or read from standard input.",
    no_args_is_help=True,
)

readings_app = typer.Typer(help="What readers said, as files.", no_args_is_help=True)
Out = Annotated[Path, typer.Option("--out", help="File to write.")]


def read(pacs: PacsFile = PACS_FILE) -> None:
    """Serve the reading room to this machine's browser, until it is ended; prints the address."""
    settings = _settings(pacs)
    from client.pacs.libraries import quiet_libraries
    from client.reading_room.room import ReadingRoom
    from deploy.logs import log_to_stderr
    from deploy.pages.reading.reading_pages import reading_pages
    from deploy.pages.serving import serve_page
    from shared_model.file_lock import exclusive

    log_to_stderr()
    quiet_libraries()
    settings.reading.mkdir(parents=True, exist_ok=True, mode=0o700)
    busy = PneumofedError("room-busy", f"{settings.reading}: another reading room is open on it; end it")
    with exclusive(settings.reading, create=False, refusal=busy):
        room = ReadingRoom(settings)
        room.uploads.clear_unfinished()
        pages = reading_pages(room)
        tending = threading.Thread(
            target=room.uploads.tend, args=(settings.keep_days, pages.ending), daemon=True
        )
        tending.start()
        serve_page(pages, settings.read.port, typer.echo, setting="`port` in [read] of pacs.toml")


@reader_app.command("add")
def add_reader(name: Name, pacs: PacsFile = PACS_FILE) -> None:
    """Let a reader log in. One that was removed comes back with the readings of before."""
    _accounts(pacs).add(name, _password())
    typer.echo(f"{name} may log in")


@reader_app.command("remove")
def remove_reader(name: Name, pacs: PacsFile = PACS_FILE) -> None:
    """End a reader's sessions and logins at once. The readings stay."""
    _accounts(pacs).remove(name)
    typer.echo(f"{name} may not log in any more")


@reader_app.command("password")
def set_password(name: Name, pacs: PacsFile = PACS_FILE) -> None:
    """Set a reader's password; ends open sessions."""
    _accounts(pacs).set_password(name, _password())
    typer.echo(f"{name} has a new password")


@reader_app.command("list")
def list_readers(pacs: PacsFile = PACS_FILE, as_json: AsJson = False) -> None:
    """Who may log in, and since when."""
    readers = _accounts(pacs).readers()
    if as_json:
        print_json({"readers": [{"name": one.name, "added": one.added} for one in readers]})
        return
    for one in readers:
        typer.echo(f"{one.name}  since {one.added}")
    typer.echo(f"{quantity(len(readers), 'reader')} may log in")


@readings_app.command("labels")
def write_labels(
    out: Out,
    pacs: PacsFile = PACS_FILE,
    uploads: Annotated[bool, typer.Option("--uploads", help="Of what was uploaded.")] = False,
) -> None:
    """Write labels of the inbox's studies for `prepare`: what more than half of the readers said blinded."""
    from client.reading_room.label_export import labels_csv, study_labels
    from client.reading_room.room import ReadingRoom
    from shared_model.files import write_atomically

    room = ReadingRoom(_settings(pacs))
    studies = [name for name, one in room.studies.all().items() if one.uploaded == uploads]
    labels = study_labels(room.log.all(), studies)
    write_atomically(out, labels_csv(labels), mode=0o600)
    undecided = quantity(len(labels.undecided), "study")
    typer.echo(f"{quantity(len(labels.labels), 'label')} written; {undecided} without a majority left out")


@readings_app.command("log")
def write_log(out: Out, pacs: PacsFile = PACS_FILE) -> None:
    """Write every reading: reader, study, model, answer before and agreement after the model, times."""
    from client.reading_room.label_export import readings_csv
    from client.reading_room.room import ReadingRoom
    from shared_model.files import write_atomically

    readings = ReadingRoom(_settings(pacs)).log.all()
    write_atomically(out, readings_csv(readings), mode=0o600)
    typer.echo(f"{quantity(len(readings), 'reading')} written")


def _settings(pacs: Path) -> "PacsSettings":
    from client.pacs.pacs_settings import load_pacs_settings

    return load_pacs_settings(pacs)


def _accounts(pacs: Path) -> "Accounts":
    from client.reading_room.accounts import Accounts
    from client.reading_room.database import Database

    return Accounts(Database(_settings(pacs).reading))


def _password() -> str:
    """Asked for twice at a terminal; else the first line of standard input."""
    if sys.stdin.isatty():
        password: str = typer.prompt("Password", hide_input=True, confirmation_prompt="Again")
        return password
    return sys.stdin.readline().rstrip("\r\n")
