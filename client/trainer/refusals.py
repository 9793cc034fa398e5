"""Refused requests in the audit log, in so few rows that nobody can fill the disk with them."""

import time
from collections.abc import Callable

from client.records.audit import AuditLog

ROW_EVERY_S = 3600.0


class RefusalRows:
    """One row for the first refusal of a task with a code, then at most one in ROW_EVERY_S seconds."""

    def __init__(self, audit: AuditLog, clock: Callable[[], float] = time.monotonic) -> None:
        self._audit, self._clock = audit, clock
        self._written: dict[tuple[str, str], float] = {}
        self._since: dict[tuple[str, str], int] = {}

    def note(self, task: str, code: str, study: str | None) -> None:
        """study: fingerprint of the study asked for, if it could be read."""
        kind, now = (task, code), self._clock()
        if now - self._written.get(kind, -ROW_EVERY_S) < ROW_EVERY_S:
            self._since[kind] = self._since.get(kind, 0) + 1
            return
        unwritten = self._since.pop(kind, 0)
        more = {"unwritten_before": unwritten} if unwritten else {}
        self._audit.write("refused", task=task, code=code, **({"study": study} if study else {}), **more)
        self._written[kind] = now
