"""Running a study on the federation that `serve` keeps up. The run lives there: this process only watches."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from deploy.coordinator.folder import CoordinatorFolder
from deploy.coordinator.settings import Federation
from deploy.coordinator.studies import is_running, present_status
from deploy.coordinator.superlink import SuperLink
from server.app import LEDGER, STATUS
from server.measurement import check_repeat
from server.status import RUNS, StudyStatus, read_status
from shared_model.errors import PneumofedError
from shared_model.quantity import quantity
from shared_model.rehearsal import rehearsal_of
from shared_model.study import load_study, study_names

POLL_S = 1.0
ENDS_S = 60.0
"""How long a run waits for the process of the same study's last run to end."""
RETURN_S = 180.0
"""How long a run waits for a SuperLink that does not answer; `serve` restarts it, and the study goes on."""

Listener = Callable[[StudyStatus], None]
Follow = Callable[[Callable[[], StudyStatus], Path], StudyStatus]
"""Calls its first argument, which follows the study in the folder, again after an interruption."""


def at_once(follow: Callable[[], StudyStatus], folder: Path) -> StudyStatus:
    """A Follow that lets an interruption pass."""
    return follow()


def run(
    federation: Federation,
    study: str,
    *,
    trained_on: str,
    tell: Listener,
    strategy: str | None = None,
    rehearsal: bool = False,
    attend: Follow = at_once,
) -> Path:
    """Start `study` (name or file), or resume it after its last complete round; returns the study's folder,
    which holds model and report then.

    rehearsal: run the study's rehearsal in its place (shared_model/rehearsal.py); the folder then holds its
    costs and no model. strategy: dotted path of a researcher's own, instead of the study's
    (server/strategies/server_step.py).

    Raises PneumofedError `study-running` if it runs already, the study's own code, `study-stopped`,
    `run-failed` if Flower's run ended without one (the same command resumes from the ledger), and
    `superlink-unreachable`.
    """
    begun = time.time()
    folder, settings = _planned(federation, study, trained_on, strategy, rehearsal, proposes=False)
    with SuperLink(federation) as superlink:
        run_id = _started(superlink, settings, folder)
        attend(lambda: _follow(superlink, run_id, folder, begun, tell), folder)
    return folder


def propose(
    federation: Federation,
    study: str,
    *,
    trained_on: str,
    tell: Listener,
    strategy: str | None = None,
    rehearsal: bool = False,
) -> StudyStatus:
    """Show `study` to the hospitals that are connected, for their people to decide; nothing else is asked.

    Raises PneumofedError as `run`.
    """
    begun = time.time()
    folder, settings = _planned(federation, study, trained_on, strategy, rehearsal, proposes=True)
    with SuperLink(federation) as superlink:
        run_id = _started(superlink, settings, folder)
        return _follow(superlink, run_id, folder, begun, tell, ends_as="proposed")


def begin(
    federation: Federation, study: str, *, trained_on: str, rehearsal: bool = False, proposes: bool = False
) -> Path:
    """Start `study`, or show it to the hospitals alone (`proposes`), and do not wait; the study's folder.

    Raises PneumofedError as `run`, except for what happens later.
    """
    folder, settings = _planned(federation, study, trained_on, None, rehearsal, proposes=proposes)
    with SuperLink(federation) as superlink:
        _started(superlink, settings, folder)
    return folder


def watch(folder: Path, tell: Listener) -> StudyStatus:
    """Tell each new status of the study that runs in `folder`, until it ends.

    Raises PneumofedError as `run`.
    """
    told = 0.0
    while True:
        status = present_status(folder)
        if status is not None and status.updated > told:
            told = status.updated
            tell(status)
        if status is None or status.state not in RUNS:
            return _judged(status, "completed")
        time.sleep(POLL_S)


def _planned(
    federation: Federation,
    study: str,
    trained_on: str,
    strategy: str | None,
    rehearsal: bool,
    *,
    proposes: bool,
) -> tuple[Path, dict[str, str | int | float]]:
    """The study's folder and the run configuration, after a check that the run fits earlier ones."""
    folder = _folder(federation, study, rehearsal)
    check_repeat(folder / LEDGER, trained_on, strategy)
    settings = _settings(federation, folder, study, trained_on, strategy, rehearsal)
    return folder, settings | {"propose": 1} if proposes else settings


def _folder(federation: Federation, study: str, rehearsal: bool) -> Path:
    """The folder of the study, or of its rehearsal. Raises PneumofedError `study-running`."""
    config = rehearsal_of(load_study(study)) if rehearsal else load_study(study)
    folder = CoordinatorFolder(federation.state).study(config.fingerprint)
    if _still_runs(folder):
        raise _running(study)
    return folder


def _still_runs(folder: Path) -> bool:
    """Whether a process runs the study; one whose status says that it ended is given ENDS_S to do so."""
    begun = time.monotonic()
    while is_running(folder):
        status = present_status(folder)
        if status is None or status.state in RUNS or time.monotonic() > begun + ENDS_S:
            return True
        time.sleep(POLL_S)
    return False


def _started(superlink: SuperLink, settings: Mapping[str, str | int | float], folder: Path) -> int:
    """Flower's number of the run; the folder is made once there is one."""
    run_id = superlink.start(settings)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return run_id


def _running(study: str) -> PneumofedError:
    return PneumofedError(
        "study-running",
        f"study {study} is running already; `pneumofed coordinator watch` shows it, `coordinator stop` ends "
        "it",
    )


def _settings(
    federation: Federation, folder: Path, study: str, trained_on: str, strategy: str | None, rehearsal: bool
) -> dict[str, str | int | float]:
    """The run configuration of server/app.py. Revoked hospitals are not waited for."""
    keys, verb = CoordinatorFolder(federation.state), "rehearse" if rehearsal else "run"
    names = {
        role: [h.name for h in federation.hospitals if h.role == role and keys.public_key(h.name).exists()]
        for role in ("training", "held-out")
    }
    return {
        "study": study if study in study_names() else str(Path(study).resolve()),
        "folder": str(folder),
        "trained-on": trained_on,
        "command": f"pneumofed coordinator {verb} federation.toml --study {Path(study).name}",
        "rehearsal": int(rehearsal),
        "strategy": strategy or "",
        "quorum": federation.quorum or max(1, len(names["training"])),
        "required": " ".join(federation.required),
        "deadline-s": 60 * federation.deadline_minutes,
        **{role: " ".join(found) for role, found in names.items()},
    }


def _follow(
    superlink: SuperLink,
    run_id: int,
    folder: Path,
    begun: float,
    tell: Listener,
    ends_as: str = "completed",
) -> StudyStatus:
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
        status = read_status(folder / STATUS)
        if status is None or status.since < begun:
            status = None
        elif status.updated > told:
            told = status.updated
            tell(status)
        if ended.status == "finished":
            if status is None and is_running(folder):  # another run of the study was a little faster
                raise _running(folder.name)
            if status is not None and ended.sub_status != "completed" and status.error_code is None:
                status = None
            return _judged(status, ends_as)
        time.sleep(POLL_S)


def _judged(status: StudyStatus | None, ends_as: str) -> StudyStatus:
    """A study is done only if its own status says that it is complete; otherwise raise."""
    if status is not None and status.error_code is not None:
        raise PneumofedError(status.error_code, status.error or "see the coordinator's log")
    if status is not None and status.state == "stopped":
        raise PneumofedError(
            "study-stopped",
            f"stopped after {status.rounds_done} of {quantity(status.rounds_total, 'round')}; "
            "the same command goes on",
        )
    if status is None or status.state != ends_as:
        raise PneumofedError(
            "run-failed",
            "Flower's run ended before the study was done; the same command goes on after its last complete "
            "round",
        )
    return status
