"""A look at machine and store in a process of its own, at most once an hour unless asked for.

Its code (torch for a GPU, image libraries) and its memory go with the process.
"""

import logging
import multiprocessing
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

from client.control.documents import Check, Look, ScanCounts
from client.error_redaction import code_of, place_of
from client.hospital_settings import HospitalSettings

log = logging.getLogger("pneumofed.trainer")

EVERY_S = 3600.0
LONGEST_S = 600.0

_SPAWN = multiprocessing.get_context("spawn")


def look_at(hospital: HospitalSettings) -> Look:
    """The checks that the trainer can make, and the counts of the store."""
    from client.control.data_zone_checks import data_zone_checks
    from client.control.store_counts import store_counts

    checks = tuple(Check.model_validate(asdict(row)) for row in data_zone_checks(hospital))
    counts = store_counts(hospital.store, hospital.limits.count_floor)
    return Look(at=time.time(), checks=checks, scans=counts)


def failed_look(code: str) -> Look:
    """What is told of a look that ended with an error."""
    row = Check(check="checks", state="fail", found=f"they ended with {code}", remedy="see the trainer's log")
    return Look(
        at=time.time(), checks=(row,), scans=ScanCounts(patients={}, doubtful={}, refused={}, problem=code)
    )


class Looker:
    """Keeps the last look; `look` is picklable, as it crosses to the process that makes it."""

    def __init__(self, look: Callable[[], Look], clock: Callable[[], float] = time.monotonic) -> None:
        self._look, self._clock = look, clock
        self._latest: Look | None = None
        self._begun = float("-inf")
        self._guard = threading.Lock()
        self._process: SpawnProcess | None = None
        self._thread: threading.Thread | None = None

    def latest(self) -> tuple[Look | None, bool]:
        """The last look, if there is one, and whether one is being made: hourly, if somebody asks."""
        if self._clock() - self._begun >= EVERY_S:
            self.again()
        return self._latest, self._is_looking()

    def again(self) -> None:
        """Begin a look now, unless one is being made."""
        with self._guard:
            if not self._is_looking():
                self._begun = self._clock()
                self._thread = threading.Thread(target=self._run, daemon=True)
                self._thread.start()

    def close(self) -> None:
        """End a look that is being made."""
        with self._guard:
            process, thread = self._process, self._thread
        if process is not None:
            process.kill()
        if thread is not None:
            thread.join()

    def _is_looking(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _run(self) -> None:
        ours, theirs = _SPAWN.Pipe(duplex=False)
        process = _SPAWN.Process(target=_send, args=(theirs, self._look), daemon=True)
        process.start()
        self._process = process
        theirs.close()
        try:
            self._latest = ours.recv() if ours.poll(LONGEST_S) else failed_look("deadline")
        except EOFError:
            self._latest = failed_look("worker-died")
        finally:
            self._process = None
            process.kill()
            process.join()
            process.close()
            ours.close()


def _send(connection: Connection, look: Callable[[], Look]) -> None:
    try:
        found = look()
    except Exception as error:
        log.error("the checks ended: %s (%s)", code_of(error), place_of(error))
        found = failed_look(code_of(error))
    connection.send(found)
