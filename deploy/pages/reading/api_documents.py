"""What the reading room's API answers with; /api/openapi.json is made of these types."""

from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict, Field

from client.diagnosis.diagnosis_step import DiagnosisStep
from client.pacs.queue_progress import read_progress
from client.reading_room.receipts import Receipt
from client.reading_room.room import ReadingRoom
from client.reading_room.studies import RoomStudy, State


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Problem(_Document):
    """Why a request was not done."""

    code: str = Field(description="Stable, for machines; docs/reference/errors.md lists them.")
    problem: str = Field(description="What is wrong and what to do, in a sentence that names no patient.")


class Progress(_Document):
    """How far a diagnosis is."""

    since: datetime = Field(description="When it was begun.")
    step: DiagnosisStep = Field(description="What is being done.")
    done: int = Field(description="How much of the step: files read, or lobes.")
    total: int = Field(description="Of how much.")


class Study(_Document):
    """A study; what the model said of it is in its diagnosis."""

    name: str = Field(description="Its name in this hospital, of which nothing is in its headers.")
    uploaded: bool = Field(description="Whether a reader uploaded it; otherwise it came from the PACS.")
    arrived: datetime = Field(description="When its last image came.")
    state: State = Field(description="How it stands.")
    ahead: int | None = Field(
        description="How many others that came before wait as well; null if it does not wait."
    )
    progress: Progress | None = Field(description="While it is being diagnosed.")
    failure: Problem | None = Field(description="Why it has no diagnosis, if it failed.")
    may_see_model: bool = Field(description="Whether this reader may see what the model said.")


class Upload(_Document):
    """An upload that was accepted, and its study."""

    id: str = Field(description="Its name.")
    received: datetime = Field(description="When.")
    images: int = Field(description="How many CT images it held.")
    not_kept: dict[str, int] = Field(description="How many other files it held, by reason.")
    study: Study = Field(description="Its study as it is now.")


class Uploads(_Document):
    """A reader's own uploads, the latest first."""

    uploads: list[Upload]


class Studies(_Document):
    """All studies, in order of arrival."""

    blinded: bool = Field(description="Whether readers answer before they see what the model said.")
    studies: list[Study]


class ReaderView:
    """The studies of a room as `reader` may see them now."""

    def __init__(self, room: ReadingRoom, reader: str) -> None:
        self._room, self._reader = room, reader
        self._studies = room.studies.all()
        self._progress = read_progress(room.settings.results)

    def studies(self) -> Studies:
        """All of them."""
        found = sorted(self._studies.values(), key=lambda one: (one.arrived, one.name))
        return Studies(blinded=self._room.blinded, studies=[self.study(one.name) for one in found])

    def study(self, name: str) -> Study:
        """One of them. Raises PneumofedError `not-found`."""
        study = self._room.study(name)
        failure = study.failure
        return Study(
            name=study.name,
            uploaded=study.uploaded,
            arrived=_time(study.arrived),
            state=study.state,
            ahead=self._ahead(study) if study.state == "waiting" else None,
            progress=self._progress_of(study),
            failure=None if failure is None else Problem(code=failure.code, problem=str(failure)),
            may_see_model=self._room.may_see_model(self._reader, name),
        )

    def upload(self, receipt: Receipt) -> Upload:
        """An upload of this reader. Raises PneumofedError `not-found` if its study is deleted."""
        return Upload(
            id=receipt.id,
            received=_time(receipt.received),
            images=receipt.images,
            not_kept=receipt.not_kept,
            study=self.study(receipt.study),
        )

    def _ahead(self, study: RoomStudy) -> int:
        others = self._studies.values()
        return sum(one.state == "waiting" and one.arrived < study.arrived for one in others)

    def _progress_of(self, study: RoomStudy) -> Progress | None:
        now = self._progress
        if now is None or now.study != study.name:
            return None
        return Progress(since=_time(now.since), step=now.step, done=now.done, total=now.total)


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
