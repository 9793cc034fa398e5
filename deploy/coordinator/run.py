"""Running a study on the federation that `serve` keeps up."""

import time
from collections.abc import Callable
from pathlib import Path

from deploy.coordinator.folder import CoordinatorFolder
from deploy.coordinator.settings import Federation
from deploy.coordinator.superlink import SuperLink
from server.app import STATUS
from server.status import StudyStatus, read_status
from shared_model.errors import PneumofedError
from shared_model.rehearsal import rehearsal_of
from shared_model.study import load_study, study_names

POLL_S = 1.0
PATIENCE_S = 60.0
"""How long a run waits for hospitals that are registered but not connected."""
RETURN_S = 180.0
"""How long it waits for a SuperLink that does not answer; `serve` restarts it, and the study goes on."""

Listener = Callable[[StudyStatus], None]


def run(
    federation: Federation,
    study: str,
    *,
    trained_on: str,
    tell: Listener,
    strategy: str | None = None,
    rehearsal: bool = False,
) -> Path:
    """Start `study` (name or file), or resume it after its last complete round; returns the study's folder,
    which holds model and report then.

    rehearsal: run the study's rehearsal in its place (shared_model/rehearsal.py); the folder then holds its
    costs and no model. strategy: dotted path of a researcher's own, instead of the study's
    (server/strategies/server_step.py).

    Raises PneumofedError with the study's own code, `run-failed` if Flower's run ended without one (the same
    command resumes from the ledger), and `superlink-unreachable`.
    """
    config = rehearsal_of(load_study(study)) if rehearsal else load_study(study)
    folder = CoordinatorFolder(federation.state).study(config.fingerprint)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    begun, verb = time.time(), "rehearse" if rehearsal else "run"
    settings: dict[str, str | int | float] = {
        "study": study if study in study_names() else str(Path(study).resolve()),
        "folder": str(folder),
        "trained-on": trained_on,
        "command": f"pneumofed coordinator {verb} federation.toml --study {Path(study).name}",
        "rehearsal": rehearsal,
        "strategy": strategy or "",
        "quorum": federation.quorum,
        "deadline-s": 60 * federation.deadline_minutes,
        "hospitals": len(federation.hospitals),
        "patience-s": PATIENCE_S,
    }
    with SuperLink(federation) as superlink:
        _follow(superlink, superlink.start(settings), folder / STATUS, begun, tell)
    return folder


def _follow(superlink: SuperLink, run_id: int, path: Path, begun: float, tell: Listener) -> None:
    """Wait for the run to end, and tell each new status of it. A SuperLink that restarts is waited for."""
    told, seen = 0.0, time.monotonic()
    while True:
        try:
            ended = superlink.run(run_id).status
            seen = time.monotonic()
        except PneumofedError:
            if time.monotonic() - seen > RETURN_S:
                raise
            time.sleep(POLL_S)
            continue
        status = read_status(path)
        if status is not None and status.since >= begun and status.updated > told:
            told = status.updated
            tell(status)
        if ended.status == "finished":
            _judge(ended.sub_status, status if told else None)
            return
        time.sleep(POLL_S)


def _judge(outcome: str, status: StudyStatus | None) -> None:
    """A study is done only if its own status says that it is complete; otherwise raise."""
    if status is not None and status.error_code is not None:
        raise PneumofedError(status.error_code, status.error or "see the coordinator's log")
    if outcome != "completed" or status is None or status.state != "completed":
        raise PneumofedError(
            "run-failed",
            f"Flower's run ended as {outcome!r} before the study was done; run it again",
        )
