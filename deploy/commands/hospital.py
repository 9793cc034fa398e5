"""The commands `pneumofed hospital ...`, in the order in which help lists them."""

import typer

from deploy.commands.hospital_data import check, lobes, prepare
from deploy.commands.hospital_federation import (
    approve,
    audit,
    healthy,
    install,
    join,
    metrics,
    node,
    pause,
    preflight,
    resume,
    status,
    studies,
    trainer,
    view,
    withdraw,
)
from deploy.commands.hospital_pacs import deliver, diagnose, fetch, install_pacs, listen, undelivered
from deploy.commands.hospital_reading import read, reader_app, readings_app

hospital_app = typer.Typer(
    help="Check, prepare and look at a hospital's own scans; take part in a federation; serve its PACS.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

for command in (
    *(check, prepare, lobes),
    *(preflight, install, join, status, view),
    *(approve, withdraw, pause, resume, studies, audit, metrics),
    *(healthy, trainer, node),
    *(listen, fetch, diagnose, deliver, undelivered, install_pacs),
    read,
):
    hospital_app.command()(command)
hospital_app.add_typer(reader_app, name="reader")
hospital_app.add_typer(readings_app, name="readings")
