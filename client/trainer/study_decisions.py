"""What a hospital's people decide about studies; each decision is in the audit log before it takes effect.

They write to the hospital's state folder, which the trainer reads several times a second: a decision takes
effect at once, also for a task that runs, and can be made while the trainer does not run.
"""

import getpass
import os
import time
from pathlib import Path

from client.hospital_settings import load_hospital_settings
from client.privacy.ledger import PrivacyLedger
from client.records.audit import AuditLog
from client.trainer.approvals import Approvals
from client.trainer.asked_tasks import APPROVED
from client.trainer.proposal_summary import summarise_proposal
from shared_model.errors import PneumofedError
from shared_model.proposal import Proposal


def _user() -> str:
    """The name of who decides, or the number of a user without an account, as in a container."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.geteuid())


class HospitalDecisions:
    """The decisions of the hospital whose settings are in the file `site`."""

    def __init__(self, site: Path) -> None:
        """Raises PneumofedError `wrong-user` if the trainer could not read what this user writes."""
        self.hospital = load_hospital_settings(site)
        state = self.hospital.state
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        if state.stat().st_uid != os.geteuid():
            raise PneumofedError("wrong-user", f"{state} is another user's; run this as that user (sudo -u)")
        self.approvals, self.audit = Approvals(state, self.hospital.limits.count_floor), AuditLog(state)

    def proposed(self, named: str | None) -> Proposal:
        """A proposal that can be approved: the one named, or the only one. Raises `study-unknown`."""
        return self.approvals.choose(named, ("waiting", "withdrawn"), "waits for a decision").proposal

    def summary(self, proposal: Proposal) -> str:
        """What `proposal` will do at this hospital, in words."""
        other, latest = self.approvals.last_approved(proposal.fingerprint), self.approvals.last_approved()
        return summarise_proposal(
            proposal,
            self.hospital,
            None if other is None else other.proposal,
            floor_before=None if latest is None else latest.count_floor,
            epsilon_spent=PrivacyLedger(self.hospital.state).epsilon(),
        )

    def approve(self, proposal: Proposal) -> None:
        floor = self.hospital.limits.count_floor
        self.audit.write(
            APPROVED, study=proposal.fingerprint, name=proposal.study.name, count_floor=floor, by=_user()
        )
        self.approvals.decide(proposal, "approved", at=time.time())

    def withdraw(self, named: str | None) -> Proposal:
        """Withdraw from the study named, or from the only one. Raises `study-unknown`."""
        proposal = self.approvals.choose(named, ("approved", "waiting"), "is approved or waits").proposal
        self.audit.write("withdrawn", study=proposal.fingerprint, by=_user())
        self.approvals.decide(proposal, "withdrawn", at=time.time())
        return proposal

    def pause(self) -> None:
        """Stop what runs and refuse all tasks until `resume`."""
        self.audit.write("paused", by=_user())
        self.approvals.pause()

    def resume(self) -> None:
        self.audit.write("resumed", by=_user())
        self.approvals.resume()
