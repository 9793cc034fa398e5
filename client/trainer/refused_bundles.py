"""What the audit log says of bundles that the node refused."""

import threading
import time
from collections.abc import Callable

from client.records.audit import AuditLog
from shared_model.errors import PneumofedError

PAUSE_S = 3600.0
"""The least time between two lines, in seconds: a node that was taken over must not fill the disk."""

_SHA256_BYTES = 32


class RefusedBundles:
    """Writes at most one line in PAUSE_S, with the number of bundles refused since the last one."""

    def __init__(self, audit: AuditLog, clock: Callable[[], float] = time.monotonic) -> None:
        self._audit, self._clock = audit, clock
        self._next, self._unrecorded = -float("inf"), 0
        self._lock = threading.Lock()

    def record(self, sha256: bytes) -> None:
        """Record a bundle by its hash, or only count it. Raises PneumofedError `task-unreadable`."""
        if len(sha256) != _SHA256_BYTES:
            raise PneumofedError("task-unreadable", "a hash has 32 bytes; both zones need one version")
        with self._lock:
            self._unrecorded += 1
            if self._clock() < self._next:
                return
            self._audit.write("bundle refused", sha256=sha256.hex(), times=self._unrecorded)
            self._next, self._unrecorded = self._clock() + PAUSE_S, 0
