"""Runs one job at a time, in a worker process that is killed to stop a job.

A training step on a CPU can take a minute and a thread cannot be stopped inside torch, so a job is stopped
by ending its process; that works for a hung disk or GPU as well.
"""

import logging
import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from client.trainer.jobs import Job
from client.trainer.worker import Done, Failed, MakeSite, Ready, Step, work
from shared_model.errors import PneumofedError
from shared_model.proposal import Proposal

log = logging.getLogger("pneumofed.trainer")

POLL_S = 0.2
BUSY_S = 6.0
"""How long a job waits for the previous one: a node that was killed may ask again while that one ends."""

_SPAWN = multiprocessing.get_context("spawn")


@dataclass
class _Running:
    """The running job, and everything that can stop it."""

    end: float
    check: Callable[[], None]
    cancelled: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)

    def check_all(self) -> None:
        self.check()
        if self.cancelled.is_set():
            raise PneumofedError("cancelled", "the job was cancelled")
        if time.monotonic() > self.end:
            raise PneumofedError("deadline", "the job took longer than it may; see the hospital's limits")


class JobRunner:
    """Runs jobs with `open_site` in its own worker process, which is kept between jobs."""

    def __init__(self, open_site: MakeSite) -> None:
        self._open_site = open_site
        self._worker: SpawnProcess | None = None
        self._connection: Connection | None = None
        self._free = threading.Lock()
        self._running: _Running | None = None

    def start(self) -> None:
        """Start the worker process ahead of the first job."""
        with self._free:
            self._living_worker()

    def run(
        self, proposal: Proposal, job: Job, *, deadline_s: float, check: Callable[[], None]
    ) -> Iterator[Step | Done]:
        """Yield the job's steps as they are done, then its result.

        `check` is called several times a second while the job runs, and once more before the result is
        given; when it raises PneumofedError, the job is stopped and the error raised here. Raises
        PneumofedError also with the job's own code, and `trainer-busy`, `cancelled`, `deadline`,
        `worker-died`.
        """
        end = time.monotonic() + deadline_s
        if not self._free.acquire(timeout=min(BUSY_S, deadline_s)):
            raise PneumofedError("trainer-busy", "the trainer does another job; ask again when it is done")
        self._running = running = _Running(end, check)
        finished = False
        try:
            for answer in self._answers(proposal, job, running):
                finished = isinstance(answer, Done | Failed)
                if isinstance(answer, Failed):
                    raise PneumofedError(answer.code, "the job failed; the trainer's log says where")
                yield answer
        finally:
            if not finished:
                self._end_worker()
            self._running = None
            self._free.release()
            running.ended.set()

    def cancel(self) -> bool:
        """Stop the running job and return when it has stopped; False if none was running."""
        running = self._running
        if running is None:
            return False
        running.cancelled.set()
        running.ended.wait()
        return True

    def close(self) -> None:
        """Stop the running job, if any, and end the worker process."""
        self.cancel()
        with self._free:
            self._end_worker()

    def _answers(self, proposal: Proposal, job: Job, running: "_Running") -> Iterator[Step | Done | Failed]:
        connection = self._living_worker()
        while True:
            running.check_all()
            if not wait([connection], timeout=POLL_S):
                continue
            answer = self._received(connection)
            if isinstance(answer, Ready):
                connection.send((proposal, job))
                continue
            if isinstance(answer, Done):
                running.check_all()
            yield answer
            if not isinstance(answer, Step):
                return

    def _living_worker(self) -> Connection:
        """The connection to a living worker, started anew if it has died."""
        if self._connection is None or self._worker is None or not self._worker.is_alive():
            self._end_worker()
            self._connection, theirs = _SPAWN.Pipe()
            self._worker = _SPAWN.Process(target=work, args=(theirs, self._open_site), daemon=True)
            self._worker.start()
            theirs.close()
        return self._connection

    def _exit_in_words(self) -> str:
        if self._worker is None:
            return "it was ended"
        self._worker.join(timeout=1.0)  # its pipe closes before it has ended
        code = self._worker.exitcode
        return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"

    def _received(self, connection: Connection) -> Ready | Step | Done | Failed:
        try:
            return connection.recv()
        except (EOFError, OSError):
            log.error("the worker process ended: %s", self._exit_in_words())
            raise PneumofedError(
                "worker-died", "the training process ended; look in the system's log whether memory ran out"
            ) from None

    def _end_worker(self) -> None:
        if self._worker is not None:
            self._worker.kill()
            self._worker.join()
            self._worker.close()
        if self._connection is not None:
            self._connection.close()
        self._worker = self._connection = None
