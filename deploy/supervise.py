"""Keeps processes running: each one that ends is started again, after a pause that grows."""

import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from deploy.system_user import SystemUser

log = logging.getLogger("pneumofed")

POLL_S = 0.2
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
STEADY_S = 60.0
"""After a process that ran this long the pause is the first one again."""
END_S = 10.0
"""How long a process may take to end after SIGTERM before it is killed."""


@dataclass
class Service:
    """One process to keep running."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] | None = None
    user: SystemUser | None = None
    """Whose rights it gets; none: those of this process."""
    reload_on: Sequence[Path] = ()
    """Files; when one changes, the process gets SIGHUP and reads its files again."""
    tell: Callable[[str], None] | None = None
    """Gets each line that the process writes to stderr, without its end; none: this process's stderr does."""
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    started: float = field(default=0.0, init=False)
    pause: float = field(default=FIRST_PAUSE_S, init=False)
    start_at: float = field(default=0.0, init=False)
    changed: list[int] = field(default_factory=list, init=False)

    def tend(self) -> None:
        """Start the process if it is time; notice if it has ended."""
        now = time.monotonic()
        if self.process is not None and self.process.poll() is not None:
            self.pause = FIRST_PAUSE_S if now - self.started > STEADY_S else self.pause
            log.warning(
                "%s ended with %s; it starts again in %.1f s", self.name, self.process.returncode, self.pause
            )
            self.signal(signal.SIGKILL)
            self.process, self.start_at = None, now + self.pause
            self.pause = min(2 * self.pause, LONGEST_PAUSE_S)
        if self.process is None and now >= self.start_at:
            # A process group of its own: its children end with it, and Ctrl-C reaches only the supervisor.
            rights = {} if self.user is None else self.user.rights()
            self.process = subprocess.Popen(
                self.command,
                env=self.environment,
                stderr=None if self.tell is None else subprocess.PIPE,
                start_new_session=True,
                **rights,
            )
            if self.tell is not None and self.process.stderr is not None:
                told = (self.process.stderr, self.tell)
                threading.Thread(target=_pass_on, args=told, daemon=True).start()
            self.started = now
            self.changed = self._changed()
            log.info("%s started, process %d", self.name, self.process.pid)
        elif self.process is not None and self._changed() != self.changed:
            self.changed = self._changed()
            self.process.send_signal(signal.SIGHUP)
            log.info("%s reads its files again", self.name)

    def _changed(self) -> list[int]:
        return [path.stat().st_mtime_ns for path in self.reload_on]

    def signal(self, number: int) -> None:
        """Send a signal to the process and its children."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)


def _pass_on(stream: IO[bytes], tell: Callable[[str], None]) -> None:
    """Each line of `stream` until its end."""
    with stream:
        for line in stream:
            tell(line.decode(errors="replace").rstrip("\n"))


def supervise(services: Sequence[Service]) -> None:
    """Keep `services` running until SIGTERM or SIGINT, then end them, the last one first."""
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    try:
        while not ending.is_set():
            for service in services:
                service.tend()
            ending.wait(POLL_S)
    finally:
        end(services)


def end(services: Sequence[Service]) -> None:
    """Send SIGTERM to each, the last one first; kill those that do not end."""
    for service in reversed(services):
        service.signal(signal.SIGTERM)
        if service.process is not None:
            try:
                service.process.wait(END_S)
            except subprocess.TimeoutExpired:
                log.warning("%s does not end; it is killed", service.name)
            service.signal(signal.SIGKILL)
            service.process.wait()
