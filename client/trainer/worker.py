"""The process that holds torch, GPU and store. It does one job after the other and may be killed at any time.

It only reads the store, so killing it loses nothing: the next job starts a new one.
"""

import logging
import signal
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, NamedTuple, Protocol

from client.error_redaction import code_of, place_of
from client.trainer.jobs import Job, Result
from shared_model.proposal import Proposal

if TYPE_CHECKING:
    from client.learning.site import Site

log = logging.getLogger("pneumofed.trainer")


class MakeSite(Protocol):
    """Gives the hospital's part in a study; must be picklable, as it crosses to the worker process."""

    def load(self) -> None:
        """Load the code that any study needs."""

    def approval_of(self, proposal: Proposal) -> tuple[str, float | None]:
        """The study's fingerprint and when it was last approved: a Site serves one approval."""

    def __call__(self, proposal: Proposal) -> "Site": ...


class Ready(NamedTuple):
    """The worker waits for a job."""


class Step(NamedTuple):
    """Progress of a job: steps (or scans) done, and in all."""

    done: int
    total: int


class Done(NamedTuple):
    result: Result


class Failed(NamedTuple):
    code: str


def work(connection: Connection, open_site: MakeSite) -> None:
    """Send Ready, take a (proposal, job), send Steps, then Done or Failed; again until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the trainer decides when we end
    open_site.load()
    site: Site | None = None
    opened: tuple[str, float | None] | None = None
    while True:
        try:
            connection.send(Ready())
            proposal, job = connection.recv()
        except (EOFError, BrokenPipeError):
            return
        try:
            approval = open_site.approval_of(proposal)
            if site is None or opened != approval:
                site = None  # its networks and caches go before the next study's come
                site, opened = open_site(proposal), approval
            answer: Done | Failed = Done(_run(job, site, connection))
        except Exception as error:
            log.error("%s failed: %s (%s)", type(job).__name__, code_of(error), place_of(error))
            answer = Failed(code_of(error))
        connection.send(answer)


def _run(job: Job, site: "Site", connection: Connection) -> Result:
    return job.run(site, lambda done, total: connection.send(Step(done, total)))
