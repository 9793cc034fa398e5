"""What a hospital's people decide about studies; each decision is in the audit log before it takes effect.

They write to the hospital's state folder, which the trainer reads several times a second: a decision takes
effect at once, also for a task that runs, and can be made while the trainer does not run. The commands and
the hospital's page decide through this one class.
"""

import getpass
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from client.hospital_settings import HospitalSettings
from client.privacy.ledger import PrivacyLedger
from client.records.audit import AuditLog
from client.records.chained_log import Entry
from client.trainer.approvals import Approvals
from client.trainer.asked_tasks import APPROVED
from client.trainer.proposal_summary import Section, proposal_sections
from shared_model.errors import PneumofedError
from shared_model.proposal import Proposal
from shared_model.subgroups import Division

AGREED, WITHDRAWN, PROPOSED = "agreed", "withdrawn", "proposed"
"""Events of the audit log: the first of two approvals; a withdrawal; a proposal that is new here."""

DECISIONS = (AGREED, APPROVED, WITHDRAWN)
"""Events that are a person's decision on a study."""


@dataclass(frozen=True)
class Decider:
    """Who decides and why. name: as typed, or the system user's; reason: may be empty."""

    name: str
    reason: str = ""

    @classmethod
    def user(cls, name: str | None = None, reason: str = "") -> "Decider":
        """The person named, else the user of the process."""
        return cls(name or _user(), reason)

    def facts(self) -> dict[str, str]:
        """For the audit log."""
        return {"by": self.name, **({"reason": self.reason} if self.reason else {})}

    def is_same_person(self, name: str) -> bool:
        """Whether two names differ in capitals and spaces alone."""
        return _plain(self.name) == _plain(name)


def proposed_at(entries: Sequence[Entry], fingerprint: str) -> str | None:
    """When the study was last proposed as new here; None if the lines do not tell."""
    rows = [entry for entry in entries if entry.event == PROPOSED]
    return next((row.time for row in reversed(rows) if row.facts.get("study") == fingerprint), None)


def _check_division(entries: Sequence[Entry], division: Division) -> None:
    """The hospital tells of subgroups by one division ever: two would tell how they cross, to one patient.

    Raises PneumofedError `other-subgroups`.
    """
    for entry in entries:
        before = entry.facts.get("subgroups") if entry.event == APPROVED else None
        if before not in (None, division):
            raise PneumofedError(
                "other-subgroups",
                f"study {entry.facts['study']}, approved before, tells of subgroups by {before}, this one by "
                f"{division}: both together can tell of single patients; ask for subgroups by {before}, or "
                "for none",
            )


def _plain(name: str) -> str:
    return "".join(name.casefold().split())


def _user() -> str:
    """The name of who decides, or the number of a user without an account, as in a container."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.geteuid())


class HospitalDecisions:
    """The decisions of a hospital."""

    def __init__(self, hospital: HospitalSettings) -> None:
        """Raises PneumofedError `wrong-user` if the trainer could not read what this user writes."""
        self.hospital, state = hospital, hospital.state
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        if state.stat().st_uid != os.geteuid():
            raise PneumofedError("wrong-user", f"{state} is another user's; run this as that user (sudo -u)")
        self.approvals, self.audit = Approvals(state, hospital.limits.count_floor), AuditLog(state)

    def proposed(self, named: str | None) -> Proposal:
        """A proposal that can be approved: the one named, or the only one. Raises `study-unknown`."""
        return self.approvals.choose(named, ("waiting", "withdrawn"), "waits for a decision").proposal

    def sections(self, proposal: Proposal, patients: Mapping[str, int | None] | None) -> list[Section]:
        """What `proposal` will do at this hospital, in words.

        patients: by class, None for fewer than the floor; None as a whole if they were not counted.
        """
        other, latest = self.approvals.last_approved(proposal.fingerprint), self.approvals.last_approved()
        return proposal_sections(
            proposal,
            self.hospital,
            None if other is None else other.proposal,
            floor_before=None if latest is None else latest.count_floor,
            epsilon_spent=PrivacyLedger(self.hospital.state).epsilon(),
            proposed=proposed_at(self.audit.entries(), proposal.fingerprint),
            patients=patients,
        )

    def agreed_by(self, entries: Sequence[Entry], fingerprint: str) -> str | None:
        """Who approved first, where a second person must; None if nobody did since the last decision."""
        first: str | None = None
        if not self.hospital.approval.four_eyes:
            return None
        for entry in entries:
            if entry.facts.get("study") != fingerprint:
                continue
            if entry.event in (APPROVED, WITHDRAWN, PROPOSED):
                first = None
            elif entry.event == AGREED and entry.facts["count_floor"] == self.hospital.limits.count_floor:
                first = entry.facts["by"]
        return first

    def approve(self, proposal: Proposal, who: Decider) -> bool:
        """Approve a study; False if with `four_eyes` a second person must approve it too.

        Raises PneumofedError `second-person-needed` if that is the same person again, `other-subgroups` if
        a study that tells of other subgroups was approved before.
        """
        floor, fingerprint = self.hospital.limits.count_floor, proposal.fingerprint
        facts = {"study": fingerprint, "name": proposal.study.name, "count_floor": floor, **who.facts()}
        entries, division = self.audit.entries(), proposal.study.subgroups
        if division is not None:
            _check_division(entries, division)
            facts["subgroups"] = division
        first = self.agreed_by(entries, fingerprint)
        if self.hospital.approval.four_eyes and first is None:
            self.audit.write(AGREED, **facts)
            return False
        if first is not None and who.is_same_person(first):
            raise PneumofedError(
                "second-person-needed", "this person has approved already; a second person must, too"
            )
        self.audit.write(APPROVED, **facts, **({} if first is None else {"after": first}))
        self.approvals.decide(proposal, "approved", at=time.time())
        return True

    def withdraw(self, named: str | None, who: Decider) -> Proposal:
        """Withdraw from the study named, or from the only one. Raises `study-unknown`."""
        proposal = self.approvals.choose(named, ("approved", "waiting"), "is approved or waits").proposal
        self.audit.write(WITHDRAWN, study=proposal.fingerprint, **who.facts())
        self.approvals.decide(proposal, "withdrawn", at=time.time())
        return proposal

    def pause(self, who: Decider) -> None:
        """Stop what runs and refuse all tasks until `resume`."""
        self.audit.write("paused", **who.facts())
        self.approvals.pause()

    def resume(self, who: Decider) -> None:
        self.audit.write("resumed", **who.facts())
        self.approvals.resume()
