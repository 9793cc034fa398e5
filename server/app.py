"""The Flower ServerApp: reads the run configuration and passes Flower's Grid to the round loop.

Run configuration: `study` (name or file), `folder` (of the study's ledger, model, report and status),
`trained-on` (one sentence on the data), and optionally `command` (what the report says made it), `strategy`
(dotted path of a researcher's own), `quorum`, `deadline-s`, names of hospitals with spaces between them:
`training` and `held-out` (waited for before the first round), `required`; `rehearsal` (1: the study's
rehearsal is run, which leaves its report and costs, and no weights); and `propose` (1: show the study to the
hospitals, and end).

    STUDY/initial.safetensors    the weights that the study began with
    STUDY/ledger/                its rounds
    STUDY/status.json            how far it is, rewritten at every event
    STUDY/model/                 the model: model.safetensors, and model.json, its card
    STUDY/report.html            the report, with report.json and figures.csv; partial after each round
    STUDY/rehearsal.json         of a rehearsal: what a round of the study will cost
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from flwr.app import Context
from flwr.serverapp import Grid, ServerApp

from server import events
from server.collect import Collector
from server.dispatch import RoundPolicy
from server.ledger import Ledger, read_result
from server.measurement import check_repeat, finished_study, measured_result
from server.model_card import model_card
from server.rehearsal import end_rehearsal
from server.report_process import ReportProcess
from server.roster import Expected, propose
from server.rounds import run_study
from server.standing import Standings
from server.status import StatusFile, StudyStatus, read_status
from server.stop_flag import STOPPED, StopFlag
from server.study_result import FinishedStudy
from server.torch_process import load_or_create_initial_weights
from shared_model.errors import PneumofedError
from shared_model.file_lock import exclusive
from shared_model.proposal import Proposal
from shared_model.rehearsal import rehearsal_of
from shared_model.saved_model import save_model
from shared_model.study import StudyConfig, load_study
from shared_model.weights import Weights

INITIAL, LEDGER, MODEL, STATUS, LOCK = "initial.safetensors", "ledger", "model", "status.json", "lock"
STOP = "stop"
"""Names in the study's folder."""

# Requests to a disconnected hospital are retried for about an hour.
RETRIES, RETRY_AFTER_S = 6, 60.0
SLOW_LINE_BITS_PER_S = 1e6
"""A request is not sent again within the time that weights take to a hospital and back at this speed."""

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context) -> None:
    """Start or resume the study of the run configuration, and write its model to the study's folder."""
    settings = context.run_config
    study, folder = load_study(_required(context, "study")), Path(_required(context, "folder"))
    ran = rehearsal_of(study) if settings.get("rehearsal") else study
    trained_on, command = _required(context, "trained-on"), str(settings.get("command", ""))
    policy = _policy(settings)
    expected = Expected(_names(settings, "training"), _names(settings, "held-out"))
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Two runs of one study would write one ledger. Who looks whether it runs holds the lock for an instant.
    running = PneumofedError("study-running", f"{folder.name} is being run; watch it, or stop it")
    with exclusive(folder / LOCK, refusal=running, wait_s=1.0):
        strategy = str(settings.get("strategy", "")) or None
        check_repeat(folder / LEDGER, trained_on, strategy)  # the status stays as it is if it is refused
        stop = StopFlag(folder / STOP)
        stop.clear()
        status = StatusFile(folder / STATUS, _first_status(folder, ran, context.run_id))
        report = ReportProcess(folder / LEDGER, folder)
        try:
            weights = load_or_create_initial_weights(folder / INITIAL, ran)
            ledger = Ledger(folder / LEDGER, ran, weights, strategy)
            status.begin(ledger.records, Standings(ledger.folder))
            proposal = Proposal.of(ran, weights, trained_on=trained_on)
            status.on_event(events.StudyProposed(proposal.fingerprint))
            if settings.get("propose"):
                propose(
                    Collector(grid, policy, Standings(ledger.folder), status.on_event), proposal, expected
                )
                status.propose()
                return

            def run() -> FinishedStudy:
                return _run(
                    grid, ledger, weights, policy, trained_on, command, expected, status, stop, report
                )

            if ran != study:
                if measured_result(ledger, trained_on) is None:
                    run()
                end_rehearsal(folder, ledger, study, weights, kept=folder / INITIAL)
            else:
                result = finished_study(ledger, trained_on) or run()
                save_model(folder / MODEL, result.weights, model_card(result))
            report.write()
            status.complete()
        except PneumofedError as error:
            if error.code != STOPPED:
                status.fail(error)
                raise
            status.stop()
        except BaseException as error:
            status.fail(error)
            raise
        finally:
            report.close()


def _run(
    grid: Grid,
    ledger: Ledger,
    weights: Weights,
    policy: RoundPolicy,
    trained_on: str,
    command: str,
    expected: Expected,
    status: StatusFile,
    stop: StopFlag,
    report: ReportProcess,
) -> FinishedStudy:
    policy = replace(policy, retry_after_s=policy.retry_after_s + round_trip_s(weights))

    def on_event(event: events.Event) -> None:
        """Into the status; after each round a partial report."""
        status.on_event(event)
        if isinstance(event, events.RoundFinished):
            report.write_partial()

    return run_study(
        grid,
        ledger.study,
        weights,
        ledger=ledger,
        policy=policy,
        trained_on=trained_on,
        command=command,
        on_event=on_event,
        expected=expected if expected.names else None,
        stop=stop,
    )


def _policy(settings: Mapping[str, Any]) -> RoundPolicy:
    return RoundPolicy(
        deadline_s=float(settings.get("deadline-s", math.inf)),
        quorum=int(settings.get("quorum", 1)),
        retries=RETRIES,
        retry_after_s=RETRY_AFTER_S,
        required=_names(settings, "required"),
    )


def _first_status(folder: Path, study: StudyConfig, run: int) -> StudyStatus:
    """Of a study that was measured what its status said then, as nothing of that is done again; else anew."""
    new = StudyStatus(study=study.name, rounds_total=sum(stage.rounds for stage in study.stages), run=run)
    result = read_result(folder / LEDGER)
    if result is None or result.is_partial:
        return new
    try:
        before = read_status(folder / STATUS) or new
    except ValueError:  # of another version
        return new
    return before.model_copy(update={"run": run, "state": new.state, "error_code": None, "error": None})


def round_trip_s(weights: Weights) -> float:
    """Seconds for `weights` to a hospital and back at SLOW_LINE_BITS_PER_S."""
    return 2 * 8 * sum(array.nbytes for array in weights.values()) / SLOW_LINE_BITS_PER_S


def _names(settings: Mapping[str, Any], name: str) -> frozenset[str]:
    return frozenset(str(settings.get(name, "")).split())


def _required(context: Context, name: str) -> str:
    value = context.run_config.get(name)
    if not isinstance(value, str) or not value:
        raise PneumofedError("run-config", f"the run configuration lacks {name!r}; add it with --run-config")
    return value
