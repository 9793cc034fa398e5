"""What is known of each study's delivery.

DELIVERY/STUDY.json    delivered, waiting for its next attempt, or a dead letter
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared_model.errors import PneumofedError
from shared_model.files import write_atomically


class DeliveryRecord(BaseModel):
    """One study's delivery. digest: of its results (ResultSet); times are seconds since 1970."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    digest: str
    state: Literal["delivered", "waiting", "dead"]
    objects: int = Field(description="How many results there are.")
    attempts: int = 0
    refusals: int = Field(0, description="Attempts that the PACS answered, and did not take all.")
    code: str = Field("", description="Of the last attempt, if it failed.")
    next_at: float = 0
    since: float = Field(default_factory=time.time)


class DeliveryRecords:
    """The records in `folder`; none if there is no such folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, study: str) -> DeliveryRecord | None:
        """None if there is none, or none that can be read: then it is delivered again."""
        try:
            return DeliveryRecord.model_validate_json(self._path(study).read_bytes())
        except (OSError, ValidationError):
            return None

    def write(self, study: str, record: DeliveryRecord) -> None:
        """Raises OSError."""
        write_atomically(self._path(study), record.model_dump_json(indent=2).encode())

    def remove(self, study: str) -> None:
        """Forget a study."""
        self._path(study).unlink(missing_ok=True)

    def studies(self) -> list[str]:
        """The names of all studies of which there is a record, sorted."""
        return sorted(path.stem for path in self._folder.glob("*.json"))

    def all(self) -> Iterator[tuple[str, DeliveryRecord]]:
        """Each study and its record, sorted."""
        for study in self.studies():
            if (record := self.read(study)) is not None:
                yield study, record

    def undelivered(self) -> dict[str, DeliveryRecord]:
        """Dead letters, and those that wait after a failed attempt."""
        return {study: record for study, record in self.all() if record.state != "delivered"}

    def retry(self, study: str) -> None:
        """Let `hospital deliver` try a dead letter again. Raises PneumofedError `no-dead-letter`."""
        record = self.read(study) if study in self.studies() else None
        if record is None or record.state != "dead":
            raise PneumofedError(
                "no-dead-letter", f"{study}: is no dead letter; `hospital undelivered` lists them"
            )
        changes = {"state": "waiting", "attempts": 0, "refusals": 0, "next_at": 0.0}
        self.write(study, record.model_copy(update=changes))

    def _path(self, study: str) -> Path:
        return self._folder / f"{study}.json"
