"""The status of a running study for its operators: one JSON file, rewritten atomically at every event."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from server import events
from server.standing import Standings
from server.study_result import HospitalOutcome, RoundRecord
from shared_model.constants import TASKS, Task
from shared_model.errors import DISK_FULL, PneumofedError
from shared_model.files import write_atomically

State = Literal["starting", "waiting", "running", "proposed", "completed", "stopped", "failed", "interrupted"]
"""waiting: for hospitals before round 1; proposed: shown to hospitals, not begun; stopped: people ended it;
interrupted: no process runs it, though the file says so (no run writes this word)."""
RUNS: tuple[State, ...] = ("starting", "waiting", "running")


class Asked(BaseModel):
    """A pending request to a hospital."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sent: float = Field(description="When it was sent last.")
    reason: str | None = Field(None, description="Why it was sent again; null if it was sent once.")


class Awaited(BaseModel):
    """A hospital that said why it does not answer now, or is not there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: str = Field(description="The code.")
    since: float = Field(description="Since when it is so.")
    told: float = Field(description="When this was seen last.")


class StudyStatus(BaseModel):
    """The present state of a study. Times are in seconds since 1970."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    study: str = Field(description="Name of the study.")
    fingerprint: str | None = Field(
        None, description="Of the proposal, as hospitals see it; null until it is proposed."
    )
    state: State = "starting"
    run: int | None = Field(None, description="Flower's number of this run.")
    stage: str | None = Field(None, description="Name of the current stage.")
    round: int = Field(0, description="Current round within the stage.")
    rounds: int = Field(0, description="Rounds of the stage.")
    rounds_done: int = Field(0, description="Completed rounds of all stages, including earlier runs.")
    rounds_total: int = Field(0, description="Rounds of all stages.")
    round_began: float | None = Field(None, description="Start of the current round.")
    seconds_per_round: float | None = Field(None, description="Mean of the last complete rounds.")
    loss: dict[Task, float] = Field(
        default_factory=dict, description="Mean loss of the last complete round, by each hospital's say."
    )
    within_auc: dict[Task, float | None] = Field(
        default_factory=dict, description="Of the last validation, within hospitals; null where undefined."
    )
    counted: dict[Task, float | None] = Field(
        default_factory=dict, description="Share of the told patients in the last complete round."
    )
    hospitals: dict[str, HospitalOutcome] = Field(
        default_factory=dict,
        description="Result of each hospital's last request, in this round unless it failed before.",
    )
    asked: dict[str, Asked] = Field(default_factory=dict, description="Hospitals with a pending request.")
    awaited: dict[str, Awaited] = Field(
        default_factory=dict, description="Hospitals that do not answer for a reason that may pass."
    )
    begins: float | None = Field(
        None, description="When a waiting study begins without those it waits for; null: it does not."
    )
    versions: dict[str, dict[str, str]] = Field(
        default_factory=dict, description="What each hospital runs, as it told."
    )
    notices: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="Codes that people are to know of hospitals, until acknowledged."
    )
    since: float = Field(0.0, description="Start of this run.")
    updated: float = Field(0.0, description="Time of this status.")
    error_code: str | None = Field(None, description="Code of the error that ended the run.")
    error: str | None = Field(None, description="Message of that error.")


ROUNDS_TIMED = 3
"""How many of the last rounds tell how long the next one will take."""


class StatusFile:
    """Writes the status after each event of a study to `path`."""

    def __init__(self, path: Path, status: StudyStatus) -> None:
        self._path, self.status = path, status
        self._records: list[RoundRecord] = []
        self._update(since=time.time())

    def begin(self, records: Sequence[RoundRecord], standings: Standings) -> None:
        """Record the rounds that the ledger holds already, and the notices that stand."""
        notices = {name: standing.notices for name, standing in standings.all().items() if standing.notices}
        self._update(rounds_done=len(records), notices=notices, **_of_rounds(records))
        self._records = list(records)

    def on_event(self, event: events.Event) -> None:
        """Record an event; the listener passed to `run_study`."""
        match event:
            case events.StudyProposed(fingerprint=fingerprint):
                self._update(fingerprint=fingerprint)
            case events.HospitalDescribed(hospital=hospital, versions=versions):
                self._update(versions={**self.status.versions, hospital: dict(versions)})
            case events.HospitalsAwaited(reasons=reasons, begins=begins):
                awaited = {name: self._awaited(name, reason) for name, reason in reasons.items()}
                self._update(state="waiting", awaited=awaited, asked={}, begins=begins)
            case events.RosterBuilt(left_out=left_out):
                hospitals = {**self.status.hospitals, **left_out}
                self._update(state="running", hospitals=hospitals, awaited={}, begins=None)
            case events.RoundStarted(stage=stage, round=number):
                # What others returned before says nothing of this round.
                out = {n: one for n, one in self.status.hospitals.items() if one.status != "returned"}
                self._update(
                    stage=stage.name,
                    round=number,
                    rounds=stage.rounds,
                    round_began=time.time(),
                    hospitals=out,
                )
            case events.RequestSent(hospital=hospital, retry_reason=reason):
                sent = Asked(sent=time.time(), reason=reason)
                self._update(asked={**self.status.asked, hospital: sent})
            case events.RequestPostponed(hospital=hospital, reason=reason):
                postponed = {**self.status.awaited, hospital: self._awaited(hospital, reason)}
                self._update(awaited=postponed)
            case events.RequestFinished(hospital=hospital, outcome=outcome):
                self._finish(hospital, outcome)
            case events.HospitalNoticed(hospital=hospital, notices=notices):
                self._update(notices={**self.status.notices, hospital: notices})
            case events.RoundFinished(record=record):
                self._records.append(record)
                self._update(rounds_done=self.status.rounds_done + 1, **_of_rounds(self._records))

    def _finish(self, hospital: str, outcome: HospitalOutcome) -> None:
        """A request has its result. While the study waits, who is waited for stays so until the next look."""
        asked = {name: one for name, one in self.status.asked.items() if name != hospital}
        awaited = self.status.awaited
        if self.status.state == "running":
            awaited = {name: one for name, one in awaited.items() if name != hospital}
        self._update(hospitals={**self.status.hospitals, hospital: outcome}, asked=asked, awaited=awaited)

    def _awaited(self, hospital: str, reason: str) -> Awaited:
        before, now = self.status.awaited.get(hospital), time.time()
        same = before is not None and before.reason == reason
        return Awaited(reason=reason, since=before.since if same and before is not None else now, told=now)

    def stop(self) -> None:
        """People ended it; the rounds of the ledger stay."""
        self._update(state="stopped", asked={}, awaited={}, begins=None)

    def propose(self) -> None:
        """The hospitals have the proposal; nothing runs."""
        self._update(state="proposed", asked={}, begins=None)

    def complete(self) -> None:
        self._update(state="completed", asked={}, awaited={})

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


def _of_rounds(records: Sequence[RoundRecord]) -> dict[str, Any]:
    """The fields of StudyStatus that tell of complete rounds."""
    if not records:
        return {}
    last, timed = records[-1], [record.seconds for record in records[-ROUNDS_TIMED:]]
    validated = [record.within_auc for record in records if record.within_auc]
    return {
        "seconds_per_round": sum(timed) / len(timed),
        "loss": {task: loss for task in TASKS if (loss := last.mean_loss(task)) is not None},
        "within_auc": validated[-1] if validated else {},
        "counted": last.counted,
    }


def read_status(path: Path) -> StudyStatus | None:
    """The status that a StatusFile wrote; None if there is no file. Raises ValueError if it is unreadable."""
    try:
        return StudyStatus.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None


def take_back_notices(path: Path, hospital: str) -> None:
    """Remove a hospital's notices from the status at `path`, if there is one."""
    status = read_status(path)
    if status is not None:
        left = {name: codes for name, codes in status.notices.items() if name != hospital}
        changed = status.model_copy(update={"notices": left})
        write_atomically(path, (changed.model_dump_json(indent=1) + "\n").encode())
