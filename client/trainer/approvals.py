"""The hospital's decision on each study that the coordinator proposed.

    STATE/studies/FINGERPRINT.json    the proposal, and the decision on it
    STATE/paused                      present while the hospital pauses all studies

The trainer reads these before, while and after it works on a job, so a decision takes effect at once. An
approval holds for the hospital's `count_floor` of that day and for higher ones: with a lower one more may
leave than was approved, and the study waits again.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared_model.errors import PneumofedError
from shared_model.files import write_atomically
from shared_model.proposal import Proposal, Purpose, as_fingerprint

Decision = Literal["waiting", "approved", "withdrawn"]

MAX_WAITING = 20
"""More undecided proposals than this are refused: nobody reads them, and they fill the disk."""


class StudyFile(BaseModel):
    """A proposal and the decision on it; approved_at is in seconds since 1970, count_floor in patients."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    proposal: Proposal
    decision: Decision = "waiting"
    approved_at: float | None = Field(None, description="When it was last approved.")
    count_floor: int = Field(1, description="The hospital's when it was last approved.")


class Approvals:
    """The decisions in a hospital's state folder, used by the trainer and the command line.

    count_floor: the hospital's at present. Reading makes no folder: `preflight` reads as root, and what root
    makes is closed to the trainer.
    """

    def __init__(self, state: Path, count_floor: int) -> None:
        self._folder, self._paused, self._floor = state / "studies", state / "paused", count_floor

    def check(self, proposal: Proposal, purpose: Purpose | None) -> None:
        """Check that the hospital approved exactly this proposal, for this purpose, and is not paused.

        Raises PneumofedError `paused`, `study-withdrawn`, `study-declined` if it was never approved,
        `study-not-approved`, `study-changed` if another version of a study of this name was approved,
        `purpose-not-approved`.
        """
        if self.paused:
            raise PneumofedError("paused", "the hospital has paused; `pneumofed hospital resume` goes on")
        known = self.find(proposal.fingerprint)
        if known is not None and known.proposal != proposal:
            known = None  # a fingerprint is short enough to be forged; the whole proposal is not
        if known is not None and known.decision == "withdrawn" and known.approved_at is None:
            raise PneumofedError("study-declined", "the hospital has declined this study")
        if known is not None and known.decision == "withdrawn":
            raise PneumofedError("study-withdrawn", "the hospital has withdrawn from this study")
        if known is None or known.decision != "approved":
            changed = any(
                one.decision == "approved" and one.proposal.study.name == proposal.study.name
                for one in self.all()
            )
            what = "changed since it was approved" if changed else "has not been approved"
            if known is not None and known.approved_at is not None:
                what = f"was approved while count_floor was {known.count_floor}, it is {self._floor} now"
            raise PneumofedError(
                "study-changed" if changed else "study-not-approved",
                f"study {proposal.fingerprint} {what}; look at it with `pneumofed hospital approve`",
            )
        if purpose is not None and purpose not in proposal.purposes:
            raise PneumofedError("purpose-not-approved", f"the study was not approved to {purpose}")

    def receive(self, proposal: Proposal) -> bool:
        """Keep a new proposal for people to decide on; returns whether it was new.

        One whose file is damaged is new: nothing is known of its decision. Raises PneumofedError
        `too-many-proposals`.
        """
        if self._path(proposal.fingerprint).exists() and proposal.fingerprint not in self.damaged():
            return False
        if sum(one.decision == "waiting" for one in self.all()) >= MAX_WAITING:
            raise PneumofedError(
                "too-many-proposals", f"{MAX_WAITING} studies wait for a decision; decide on them first"
            )
        self._write(StudyFile(proposal=proposal))
        return True

    def decide(self, proposal: Proposal, decision: Decision, *, at: float) -> None:
        """Record a decision, made at `at` seconds since 1970."""
        before = self._files().get(proposal.fingerprint)
        if decision == "approved":
            decided = StudyFile(proposal=proposal, decision=decision, approved_at=at, count_floor=self._floor)
        else:
            decided = (before or StudyFile(proposal=proposal)).model_copy(update={"decision": decision})
        self._write(decided)

    def find(self, fingerprint: str) -> StudyFile | None:
        """The study, if it is known; it waits if it was approved with a higher floor than the present one.

        Raises PneumofedError `state-damaged` if its file is unreadable.
        """
        try:
            study = StudyFile.model_validate_json(self._path(fingerprint).read_bytes())
            lapsed = study.decision == "approved" and study.count_floor > self._floor
            return study.model_copy(update={"decision": "waiting"}) if lapsed else study
        except FileNotFoundError:
            return None
        except ValidationError:
            raise PneumofedError(
                "state-damaged",
                f"the decision on study {fingerprint} cannot be read; decide again when the coordinator has "
                "proposed it again",
            ) from None

    def all(self) -> list[StudyFile]:
        """The known studies whose files can be read, by fingerprint."""
        return [study for study in self._files().values() if study is not None]

    def damaged(self) -> list[str]:
        """Fingerprints of the studies whose files cannot be read."""
        return [fingerprint for fingerprint, study in self._files().items() if study is None]

    def choose(self, named: str | None, decisions: Sequence[Decision], words: str) -> StudyFile:
        """The study named, or the only one of the first of `decisions` that any study has.

        named: its fingerprint, or its name if no other such study has the same. words: what such a study is
        or does, for the message. Raises PneumofedError `study-unknown`.
        """
        possible = [study for study in self.all() if study.decision in decisions]
        if named is None:
            found = list[StudyFile]()
            for decision in decisions:
                found = found or [study for study in possible if study.decision == decision]
        else:
            by_name = [study for study in possible if study.proposal.study.name == named]
            fingerprint = as_fingerprint(named)
            found = [s for s in possible if s.proposal.fingerprint == fingerprint] or by_name
            if not found:
                raise PneumofedError("study-unknown", f"no study {named!r} {words}; see `hospital studies`")
        if not found:
            raise PneumofedError("study-unknown", f"no study {words}; see `hospital studies`")
        if len(found) > 1:
            names = ", ".join(f"{one.proposal.study.name} ({one.proposal.fingerprint})" for one in found)
            raise PneumofedError(
                "study-unknown", f"name the study, by its fingerprint; each {words}: {names}"
            )
        return found[0]

    def last_approved(self, other_than: str | None = None) -> StudyFile | None:
        """The study approved last, other than the one with fingerprint `other_than`."""
        approved = [
            one
            for one in self.all()
            if one.approved_at is not None and one.proposal.fingerprint != other_than
        ]
        return max(approved, key=lambda one: one.approved_at or 0.0, default=None)

    @property
    def paused(self) -> bool:
        return self._paused.exists()

    def pause(self) -> None:
        write_atomically(self._paused, b"")

    def resume(self) -> None:
        self._paused.unlink(missing_ok=True)

    def _files(self) -> dict[str, StudyFile | None]:
        """The known studies by fingerprint, None for a file that cannot be read."""
        found: dict[str, StudyFile | None] = {}
        for path in sorted(self._folder.glob("*.json")):
            try:
                found[path.stem] = self.find(path.stem)
            except PneumofedError:
                found[path.stem] = None
        return found

    def _path(self, fingerprint: str) -> Path:
        return self._folder / f"{fingerprint}.json"

    def _write(self, study: StudyFile) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._path(study.proposal.fingerprint)
        write_atomically(path, study.model_dump_json(indent=1).encode(), mode=0o600)
