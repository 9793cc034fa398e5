"""The hospital's audit log: every decision and job, and what left (`pneumofed hospital audit`)."""

from pathlib import Path

from client.records.chained_log import ChainedLog, Entry
from shared_model.errors import PneumofedError


class AuditLog(ChainedLog):
    """STATE/audit.jsonl and audit.head. A hash recorded elsewhere reveals a log replaced as a whole."""

    def __init__(self, state: Path) -> None:
        super().__init__(state, "audit")

    def entries(self, *, noted: str | None = None) -> list[Entry]:
        """All lines, checked; one must have the hash `noted`, if given. Raises `audit-damaged`."""
        entries = super().entries()
        if noted is not None and noted not in {entry.hash for entry in entries}:
            raise PneumofedError(
                "audit-damaged", "the hash given is not in the log: it was replaced by another"
            )
        return entries
