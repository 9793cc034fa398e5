"""Writes reports in processes of their own: matplotlib takes seconds, and memory that no round loop needs.

A report is made from the ledger alone, so that process needs nothing of this one.
"""

import logging
import subprocess
import sys
import time
from pathlib import Path

from shared_model.errors import PneumofedError

log = logging.getLogger("pneumofed")

PARTIAL_EVERY_S = 20.0
"""Rounds that follow each other faster share a partial report."""


class ReportProcess:
    """Reports of what is in the folder `ledger`, written into `folder` (server/report/report_files.py)."""

    def __init__(self, ledger: Path, folder: Path) -> None:
        self._command = [*(sys.executable, "-P", "-m", "server.report"), str(ledger), str(folder)]
        self._running: subprocess.Popen[bytes] | None = None
        self._started = float("-inf")

    def write_partial(self) -> None:
        """Begin a report if none is being written and the last one is old enough. Nobody waits for it."""
        recently = time.monotonic() - self._started < PARTIAL_EVERY_S
        if recently or (self._running is not None and self._running.poll() is None):
            return
        self._started = time.monotonic()
        self._running = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)

    def write(self) -> None:
        """Write the report, after the one that is being written. Raises PneumofedError `report-failed`."""
        if self._running is not None:
            self._running.wait()
        done = subprocess.run(self._command, capture_output=True, text=True)
        if done.returncode != 0:
            log.error("the report's process ended with %s: %s", done.returncode, done.stderr)
            raise PneumofedError(
                "report-failed",
                "the study is complete and its model is written, but its report is not; the coordinator's "
                "log says why; `pneumofed coordinator report` makes it again",
            )
