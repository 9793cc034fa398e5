"""The federation's studies as they are, and the one that a command means."""

from pathlib import Path

from deploy.coordinator.folder import CoordinatorFolder
from deploy.coordinator.settings import Federation
from server.app import LOCK, STATUS, STOP
from server.status import RUNS, StudyStatus, read_status
from server.stop_flag import StopFlag
from shared_model.errors import PneumofedError
from shared_model.file_lock import is_held


def present_status(folder: Path) -> StudyStatus | None:
    """What the study's file says, but `interrupted` if it says that it runs and no process runs it.

    None if it was never run. A file of another version counts as interrupted.
    """
    try:
        status = read_status(folder / STATUS)
    except ValueError:
        return StudyStatus(
            study=folder.name, state="interrupted", error="its status was written by another version"
        )
    if status is None or status.state not in RUNS or is_running(folder):
        return status
    ended = read_status(folder / STATUS)  # it may have ended between the two looks
    if ended is None or ended.state not in RUNS:
        return ended
    return ended.model_copy(update={"state": "interrupted", "asked": {}, "awaited": {}})


def is_running(folder: Path) -> bool:
    """Whether a process runs the study: it holds the study's lock."""
    return is_held(folder / LOCK)


def study_folders(federation: Federation) -> list[Path]:
    """Of all studies that were ever run."""
    return sorted(
        path.parent for path in CoordinatorFolder(federation.state).state.glob(f"studies/*/{STATUS}")
    )


def running_study(federation: Federation, study: str | None) -> Path:
    """The folder of the study that runs, by its name or fingerprint if several do.

    Raises PneumofedError `nothing-runs`, `study-unknown` if several are meant.
    """
    found = [
        (folder, status)
        for folder in study_folders(federation)
        if (status := present_status(folder)) is not None
        and status.state in RUNS
        and study in (None, status.study, status.fingerprint)
    ]
    if not found:
        which = "no study" if study is None else f"no study {study!r}"
        raise PneumofedError("nothing-runs", f"{which} is running; see `pneumofed coordinator status`")
    if len(found) > 1:
        names = ", ".join(f"{status.study} ({status.fingerprint})" for _, status in found)
        raise PneumofedError("study-unknown", f"name one of the studies that run with --study: {names}")
    return found[0][0]


def stop(federation: Federation, study: str | None, *, now: bool) -> StudyStatus:
    """Have the running study end after the round in progress, or `now`; its status before.

    Raises PneumofedError as `running_study`.
    """
    folder = running_study(federation, study)
    status = present_status(folder)
    StopFlag(folder / STOP).raise_flag(now=now)
    return status or StudyStatus(study=folder.name)
