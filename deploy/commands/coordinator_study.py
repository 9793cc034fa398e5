"""The commands of a running study: `pneumofed coordinator run`, `rehearse`, `watch`, `stop` and `status`.

Each imports its heavy parts when it runs, so that help is quick.
"""

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.commands.options import AsJson, FederationFile, Strategy
from deploy.commands.output import print_json

if TYPE_CHECKING:
    from deploy.coordinator.display import StudyDisplay
    from server.status import StudyStatus

INTERRUPTED = 130

Propose = Annotated[
    bool, typer.Option("--propose", help="Only show the study to the hospitals, for their approval.")
]
Running = Annotated[
    str | None, typer.Option("--study", help="Name or fingerprint; needed if several studies run.")
]


def run(
    file: FederationFile,
    study: Annotated[str, typer.Option("--study", help="A study's name or file.")],
    trained_on: Annotated[str, typer.Option(help="One sentence on the data; the model shows it.")],
    strategy: Strategy = None,
    propose: Propose = False,
    as_json: AsJson = False,
) -> None:
    """Run a study, or resume it after its last complete round. Ends with 0 if model and report are written.

    It begins when the hospitals have approved it. It goes on without this command: Ctrl-C asks whether to
    leave it or to stop it.
    """
    from deploy.coordinator.report import report_paths
    from server.app import MODEL
    from server.report.report_files import PAGE

    folder = _run_or_propose(file, study, trained_on, strategy=strategy, propose=propose, as_json=as_json)
    if folder is None:
        return
    if as_json:
        print_json({"model": str(folder / MODEL), **report_paths(folder)})
    else:
        typer.echo(f"done: {folder / MODEL}")
        typer.echo(f"open {folder / PAGE}")


def rehearse(
    file: FederationFile,
    study: Annotated[str, typer.Option("--study", help="A study's name or file.")],
    trained_on: Annotated[str, typer.Option(help="One sentence on the data, as for `run`.")],
    propose: Propose = False,
    as_json: AsJson = False,
) -> None:
    """One tiny round a stage at every hospital: whether the study runs, and what each round of it will cost.

    It is proposed, approved and recorded as a study of its own, "rehearsal of ...". No weights are kept.
    """
    from deploy.coordinator.report import report_paths
    from server.rehearsal import COSTS, costs_in_words

    folder = _run_or_propose(file, study, trained_on, rehearsal=True, propose=propose, as_json=as_json)
    if folder is None:
        return
    costs = json.loads((folder / COSTS).read_bytes())
    if as_json:
        print_json({**costs, "folder": str(folder), "costs": str(folder / COSTS), **report_paths(folder)})
    else:
        typer.echo("\n".join(costs_in_words(costs)))
        typer.echo(f"costs and report are in {folder}")


def _run_or_propose(
    file: Path,
    study: str,
    trained_on: str,
    *,
    strategy: str | None = None,
    rehearsal: bool = False,
    propose: bool,
    as_json: bool,
) -> Path | None:
    """Run the study or its rehearsal, and return its folder; if it is only proposed, say to whom: None."""
    from deploy.coordinator.display import StudyDisplay
    from deploy.coordinator.run import propose as propose_study
    from deploy.coordinator.run import run as run_study
    from deploy.coordinator.settings import load_federation

    federation = load_federation(file)
    with StudyDisplay() as display:
        begin = propose_study if propose else partial(run_study, attend=_attended(display, file))
        ended = begin(
            federation,
            study,
            trained_on=trained_on,
            strategy=strategy,
            rehearsal=rehearsal,
            tell=display.show,
        )
    if isinstance(ended, Path):
        return ended
    if as_json:
        print_json({"fingerprint": ended.fingerprint, "waits_for": sorted(ended.awaited)})
    return None


def watch(file: FederationFile, study: Running = None) -> None:
    """Show the study that runs until it ends. Ctrl-C asks whether to leave it or to stop it."""
    from deploy.coordinator.display import StudyDisplay
    from deploy.coordinator.run import watch as watch_study
    from deploy.coordinator.settings import load_federation
    from deploy.coordinator.studies import running_study

    folder = running_study(load_federation(file), study)
    with StudyDisplay() as display:
        _attended(display, file)(lambda: watch_study(folder, display.show), folder)


def stop(
    file: FederationFile,
    study: Running = None,
    now: Annotated[
        bool, typer.Option("--now", help="Do not wait for the end of the round, which is then done again.")
    ] = False,
) -> None:
    """End the study that runs after the round in progress. `run` with the same options goes on from there."""
    from deploy.coordinator.settings import load_federation
    from deploy.coordinator.studies import stop as stop_study

    status = stop_study(load_federation(file), study, now=now)
    where = (
        f"round {status.round} of {status.rounds}, stage {status.stage!r}" if status.stage else "its start"
    )
    typer.echo(f"study {status.study!r} ends {'now, in' if now else 'after'} {where}")


def status(file: FederationFile, as_json: AsJson = False) -> None:
    """Which hospitals are connected, what they run, how far each study is, and who returned what."""
    from deploy.coordinator.settings import load_federation
    from deploy.coordinator.status import certificate_in_words, status_document, versions_in_words
    from deploy.coordinator.study_words import study_in_words
    from server.status import StudyStatus

    document = status_document(load_federation(file))
    if as_json:
        print_json(document)
        return
    if document["provisioned"]:
        typer.echo(
            "serving" if document["serving"] else f"not serving: start `pneumofed coordinator serve {file}`"
        )
    else:
        typer.echo(f"not provisioned: run `pneumofed coordinator provision {file}`, then `serve`")
    for line in certificate_in_words(document["certificate_until"]):
        typer.echo(line)
    for hospital in document["hospitals"]:
        typer.echo(f"{hospital['name']} ({hospital['role']}): {hospital['connection']}")
        if versions := versions_in_words(hospital["versions"], document["versions"]):
            typer.echo(f"  {versions}")
    for study in document["studies"]:
        folder = study.pop("folder")
        typer.echo("\n".join([*study_in_words(StudyStatus.model_validate(study)), f"  in {folder}"]))


def _attended(
    display: "StudyDisplay", file: Path
) -> "Callable[[Callable[[], StudyStatus], Path], StudyStatus]":
    """Follows a study; Ctrl-C asks on a terminal whether to watch on, leave it or stop it, else leaves it.

    Who answers that the study is left ends with 0. Without a terminal nobody was asked: INTERRUPTED, so that
    a script does not take the study for done.
    """
    from server.app import STOP
    from server.stop_flag import StopFlag

    def attend(follow: "Callable[[], StudyStatus]", folder: Path) -> "StudyStatus":
        while True:
            try:
                return follow()
            except KeyboardInterrupt:
                terminal = _at_terminal()
                with display.set_aside():
                    answer = _asked() if terminal else "d"
                if answer == "d":
                    typer.echo(
                        f"left; the study goes on; `pneumofed coordinator watch {file}` shows it, "
                        f"`pneumofed coordinator stop {file}` ends it",
                        err=True,
                    )
                    raise typer.Exit(0 if terminal else INTERRUPTED) from None
                if answer == "s":
                    StopFlag(folder / STOP).raise_flag()
                    typer.echo("it ends after the round in progress", err=True)

    return attend


def _at_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _asked() -> str:
    try:
        answer = typer.prompt(
            "[w]atch on, [d]etach (the study goes on) or [s]top after the round", "w", err=True
        )
    except (KeyboardInterrupt, typer.Abort):
        return "d"
    return str(answer).strip().lower()[:1]
