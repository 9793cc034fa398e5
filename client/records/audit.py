"""The hospital's audit log: every decision and job, and what left (`pneumofed hospital audit`)."""

from pathlib import Path

from client.records.chained_log import ChainedLog


class AuditLog(ChainedLog):
    """STATE/audit.jsonl and audit.head. A hash recorded elsewhere reveals a log replaced as a whole."""

    def __init__(self, state: Path) -> None:
        super().__init__(state, "audit")
