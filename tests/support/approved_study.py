"""A hospital's approval without its people: the row in the audit log, and the decision."""

import time
from pathlib import Path

from client.records.audit import AuditLog
from client.trainer.approvals import Approvals
from client.trainer.asked_tasks import APPROVED
from shared_model.proposal import Proposal


def approve(state: Path, proposal: Proposal) -> None:
    AuditLog(state).write(APPROVED, study=proposal.fingerprint, name=proposal.study.name)
    Approvals(state, 1).decide(proposal, "approved", at=time.time())  # covers every floor
