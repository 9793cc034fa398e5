"""The status of a running study for its operators: one JSON file, rewritten atomically at every event."""

import time
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from server import events
from server.standing import Standings
from server.study_result import HospitalOutcome
from shared_model.errors import DISK_FULL, PneumofedError
from shared_model.files import write_atomically

State = Literal["starting", "running", "completed", "failed"]


class StudyStatus(BaseModel):
    """The present state of a study. Times are in seconds since 1970."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    study: str = Field(description="Name of the study.")
    fingerprint: str | None = Field(
        None, description="Of the proposal, as hospitals see it; null until it is proposed."
    )
    state: State = "starting"
    stage: str | None = Field(None, description="Name of the current stage.")
    round: int = Field(0, description="Current round within the stage.")
    rounds: int = Field(0, description="Rounds of the stage.")
    rounds_done: int = Field(0, description="Completed rounds of all stages, including earlier runs.")
    hospitals: dict[str, HospitalOutcome] = Field(
        default_factory=dict, description="Result of each hospital's last request."
    )
    asked: dict[str, str | None] = Field(
        default_factory=dict,
        description="Hospitals with a pending request, and why it was sent again; null if it was sent once.",
    )
    notices: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="Codes that people are to know of hospitals, until acknowledged."
    )
    since: float = Field(0.0, description="Start of this run.")
    updated: float = Field(0.0, description="Time of this status.")
    error_code: str | None = Field(None, description="Code of the error that ended the run.")
    error: str | None = Field(None, description="Message of that error.")


class StatusFile:
    """Writes the status after each event of a study to `path`."""

    def __init__(self, path: Path, status: StudyStatus) -> None:
        self._path, self.status = path, status
        self._update(since=time.time())

    def begin(self, rounds_done: int, standings: Standings) -> None:
        """Record the number of rounds that the ledger holds already, and the notices that stand."""
        notices = {name: standing.notices for name, standing in standings.all().items() if standing.notices}
        self._update(rounds_done=rounds_done, notices=notices)

    def on_event(self, event: events.Event) -> None:
        """Record an event; the listener passed to `run_study`."""
        match event:
            case events.StudyProposed(fingerprint=fingerprint):
                self._update(fingerprint=fingerprint)
            case events.RosterBuilt(left_out=left_out):
                self._update(state="running", hospitals=self.status.hospitals | left_out)
            case events.RoundStarted(stage=stage, round=number):
                self._update(stage=stage.name, round=number, rounds=stage.rounds)
            case events.RequestSent(hospital=hospital, retry_reason=retry_reason):
                self._update(asked={**self.status.asked, hospital: retry_reason})
            case events.RequestFinished(hospital=hospital, outcome=outcome):
                pending = {name: reason for name, reason in self.status.asked.items() if name != hospital}
                self._update(hospitals={**self.status.hospitals, hospital: outcome}, asked=pending)
            case events.HospitalNoticed(hospital=hospital, notices=notices):
                self._update(notices={**self.status.notices, hospital: notices})
            case events.RoundFinished():
                self._update(rounds_done=self.status.rounds_done + 1)

    def complete(self) -> None:
        self._update(state="completed")

    def fail(self, error: BaseException) -> None:
        """Record the message of a PneumofedError; of other errors only the type, as texts may hold data."""
        if isinstance(error, PneumofedError):
            self._update(state="failed", error_code=error.code, error=str(error))
        elif isinstance(error, OSError) and error.errno in DISK_FULL:
            message = "no space is left on the coordinator's disk; free some and run the study again"
            self._update(state="failed", error_code="disk-full", error=message)
        else:
            self._update(state="failed", error_code="internal-error", error=type(error).__name__)

    def _update(self, **changes: object) -> None:
        self.status = self.status.model_copy(update={**changes, "updated": time.time()})
        write_atomically(self._path, (self.status.model_dump_json(indent=1) + "\n").encode())


def read_status(path: Path) -> StudyStatus | None:
    """The status that a StatusFile wrote; None if there is no file. Raises ValueError if it is unreadable."""
    try:
        return StudyStatus.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
