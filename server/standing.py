"""What the coordinator remembers of each hospital: refused replies in a row, and its audit log's head.

    LEDGER/standing.json   by hospital, rewritten whole at each change, so it outlives a run

A hospital whose replies are refused REFUSALS times in a row is quarantined. A log whose head goes back gives
a notice, and its replies are still used. Both stay until `acknowledge` (docs/decisions/0103). Replies with
updates and replies with scores are counted apart: who returns good scores is not trusted with weights for it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from server.study_result import HospitalOutcome
from shared_model.envelope import LOG_CUT, LogHead
from shared_model.errors import PneumofedError
from shared_model.files import write_atomically

Kind = Literal["describe", "train", "evaluate"]

REFUSALS = 2
"""A single refused reply may be an accident; a hospital that is not asked cannot prove that it was one."""

LOG_WENT_BACK, LOG_REPLACED, LOG_UNTOLD = "log-went-back", "log-replaced", "log-untold"


class Standing(BaseModel):
    """One hospital's. All fields are empty for a hospital of which nothing is known."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    refused: dict[Kind, int] = Field(
        default_factory=dict, description="Refused replies since the last that was used, by kind of request."
    )
    quarantined: str | None = Field(None, description="Why it is not asked: the code of its last reply.")
    head: LogHead | None = Field(None, description="The furthest head of its audit log that it told.")
    notice: str | None = Field(None, description="What is wrong with the head of its audit log.")

    @property
    def notices(self) -> tuple[str, ...]:
        """What people are to know: codes, the quarantine's first."""
        return tuple(code for code in (self.quarantined and "quarantined", self.notice) if code)

    def after(self, kind: Kind, outcome: HospitalOutcome) -> "Standing":
        """After one request. A hospital whose description is refused is left out of the run anyway."""
        if outcome.reason == LOG_CUT and outcome.status == "failed":  # the hospital itself misses the line
            return self.model_copy(update={"notice": LOG_CUT})
        if kind == "describe" or outcome.status not in ("returned", "refused"):
            return self
        refused = self.refused.get(kind, 0) + 1 if outcome.status == "refused" else 0
        why = outcome.reason if refused >= REFUSALS else self.quarantined
        return self.model_copy(update={"refused": {**self.refused, kind: refused}, "quarantined": why})

    def after_head(self, told: LogHead | None) -> "Standing":
        """After a reply that told this head. The furthest stays: it is what the hospital's log must hold."""
        kept = self.head
        if kept is None:
            return self.model_copy(update={"head": told})
        if told is None:
            return self.model_copy(update={"notice": LOG_UNTOLD})
        if told.number < kept.number:
            return self.model_copy(update={"notice": LOG_WENT_BACK})
        if told.number == kept.number and told.hash != kept.hash:
            return self.model_copy(update={"notice": LOG_REPLACED})
        return self.model_copy(update={"head": told})


_Standings = TypeAdapter(dict[str, Standing])


class Standings:
    """The standing of every hospital of a study, in the folder of its ledger.

    Raises PneumofedError `ledger-damaged` if the file cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "standing.json"
        try:
            self._known = _Standings.validate_json(self._path.read_bytes()) if self._path.exists() else {}
        except (OSError, ValidationError) as error:
            raise PneumofedError(
                "ledger-damaged", f"{self._path} cannot be read; bring it back from a copy"
            ) from error

    def of(self, hospital: str) -> Standing:
        return self._known.get(hospital, Standing())

    def put(self, hospital: str, standing: Standing) -> None:
        """Durable when this returns."""
        if standing != self.of(hospital):
            self._write({**self._known, hospital: standing})

    def all(self) -> Mapping[str, Standing]:
        """By name, of the hospitals of which anything is known."""
        return dict(sorted(self._known.items()))

    def acknowledge(self, hospital: str) -> Standing:
        """Take back the notices of a hospital, which people looked into; its standing before.

        It is asked again; after a notice of its audit log the next head is taken as the first. Raises
        PneumofedError `nothing-to-acknowledge` if there is no notice.
        """
        standing = self.of(hospital)
        if not standing.notices:
            raise PneumofedError(
                "nothing-to-acknowledge", f"there is no notice of {hospital!r} in this study; see its status"
            )
        kept = Standing(head=standing.head if standing.notice is None else None)
        self._write({**self._known, hospital: kept})
        return standing

    def _write(self, known: Mapping[str, Standing]) -> None:
        write_atomically(self._path, _Standings.dump_json(dict(sorted(known.items())), indent=1) + b"\n")
        self._known = dict(known)
