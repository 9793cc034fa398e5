"""The hospital's audit log: every decision and task, and what left (`pneumofed hospital audit`)."""

from pathlib import Path

from client.records.chained_log import ChainedLog, Entry

__all__ = ["AuditLog", "Entry"]


class AuditLog(ChainedLog):
    """STATE/audit.jsonl and audit.head. A hash noted elsewhere shows a log that was replaced as a whole."""

    def __init__(self, state: Path) -> None:
        super().__init__(state, "audit")
