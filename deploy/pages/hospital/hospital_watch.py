"""How the hospital stands, asked of its trainer at most every POLL_S seconds."""

import threading
import time
from collections.abc import Hashable

from client.control.control_client import ControlClient
from client.control.documents import Overview
from shared_model.errors import PneumofedError

POLL_S = 1.0


class HospitalWatch:
    """The last overview, shared by all viewers; None, and a problem in words, if the trainer gave none."""

    def __init__(self, trainer: ControlClient) -> None:
        self.trainer = trainer
        self.overview: Overview | None = None
        self.problem: str | None = None
        self._asked = float("-inf")
        self._guard = threading.Lock()

    def mark(self) -> Hashable:
        """Asks if it is time; the result differs if what is known does."""
        with self._guard:
            if time.monotonic() - self._asked >= POLL_S:
                self._ask()
            return self.problem, None if self.overview is None else self.overview.model_dump_json()

    def ask(self) -> None:
        """Asks, whenever it was asked last: what a person has just done must be seen."""
        with self._guard:
            self._ask()

    def now(self) -> Overview:
        """How it stands now. Raises PneumofedError `trainer-silent`."""
        self.ask()
        overview = self.overview
        if overview is None:
            raise PneumofedError("trainer-silent", self.problem or "the trainer does not answer; try again")
        return overview

    def _ask(self) -> None:
        try:
            self.overview, self.problem = self.trainer.overview(), None
        except PneumofedError as error:
            self.overview, self.problem = None, str(error)
        self._asked = time.monotonic()
