"""What a running study says of itself to its operators: one JSON file, replaced whole at every event."""

import time
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from server import events
from server.study_result import HospitalReply
from shared_model.errors import DISK_FULL, PneumofedError
from shared_model.files import write_atomically

State = Literal["starting", "running", "completed", "failed"]


class StudyStatus(BaseModel):
    """The study now. Times in seconds since 1970."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    study: str = Field(description="Its name.")
    fingerprint: str = Field(description="Of its configuration.")
    state: State = "starting"
    stage: str | None = Field(None, description="Name of the stage in hand.")
    round: int = Field(0, description="Round in hand, within the stage.")
    rounds: int = Field(0, description="Rounds of the stage.")
    rounds_done: int = Field(0, description="Complete rounds of all stages, now and in runs before.")
    hospitals: dict[str, HospitalReply] = Field(
        default_factory=dict, description="How each hospital fared with its last request."
    )
    asked: dict[str, str | None] = Field(
        default_factory=dict,
        description="Who has not answered yet, and why it was asked again; null where it was asked once.",
    )
    since: float = Field(0.0, description="When this run began.")
    updated: float = Field(0.0, description="When this was written.")
    error_code: str | None = Field(None, description="Why it failed.")
    error: str | None = Field(None, description="The same in words.")


class StatusFile:
    """Follows a study's events into `path`."""

    def __init__(self, path: Path, status: StudyStatus) -> None:
        self._path, self.status = path, status
        self._update(since=time.time())

    def begin(self, rounds_done: int) -> None:
        """The ledger was read: so many rounds are done."""
        self._update(rounds_done=rounds_done)

    def tell(self, event: events.Event) -> None:
        """The listener of the round loop."""
        match event:
            case events.Gathered(left_out=left_out):
                self._update(state="running", hospitals=self.status.hospitals | left_out)
            case events.RoundBegun(stage=stage, round=number):
                self._update(stage=stage.name, round=number, rounds=stage.rounds)
            case events.Asked(hospital=hospital, trouble=trouble):
                self._update(asked={**self.status.asked, hospital: trouble})
            case events.Replied(hospital=hospital, outcome=outcome):
                asked = {name: why for name, why in self.status.asked.items() if name != hospital}
                self._update(hospitals={**self.status.hospitals, hospital: outcome}, asked=asked)
            case events.RoundDone():
                self._update(rounds_done=self.status.rounds_done + 1)

    def complete(self) -> None:
        self._update(state="completed")

    def fail(self, error: BaseException) -> None:
        """The error's own words where it is one of ours; of others only the kind."""
        if isinstance(error, PneumofedError):
            self._update(state="failed", error_code=error.code, error=str(error))
        elif isinstance(error, OSError) and error.errno in DISK_FULL:
            words = "no space is left on the coordinator's disk; free some and run the study again"
            self._update(state="failed", error_code="disk-full", error=words)
        else:
            self._update(state="failed", error_code="internal-error", error=type(error).__name__)

    def _update(self, **changes: object) -> None:
        self.status = self.status.model_copy(update={**changes, "updated": time.time()})
        write_atomically(self._path, (self.status.model_dump_json(indent=1) + "\n").encode())


def read_status(path: Path) -> StudyStatus | None:
    """What a StatusFile wrote; None where there is none. Raises ValueError where it cannot be read."""
    try:
        return StudyStatus.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
