"""A federation's folder in which a study runs, step by step, without network: for pages that show it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.coordinator.folder import CoordinatorFolder
from deploy.coordinator.provision import provision
from deploy.coordinator.settings import load_federation
from server import events
from server.app import LEDGER, LOCK, STATUS
from server.ledger import Ledger
from server.report.report_files import write_report
from server.standing import Standings
from server.status import StatusFile, StudyStatus
from server.study_result import RoundRecord
from shared_model.file_lock import exclusive
from tests.support.local_rounds import INITIAL, STUDY, grid_of, run, sites_of

FEDERATION = """
name = "lowlands"
hosts = ["127.0.0.1"]
[[hospitals]]
name = "north"
[[hospitals]]
name = "south"
[[hospitals]]
name = "east"
[[hospitals]]
name = "far"
role = "held-out"
"""


class WatchedStudy:
    """The study of local_rounds, which waits before each round until `step` lets it go on.

    file: federation.toml; folder: the study's; status: as it stands.
    """

    def __init__(self, folder: Path) -> None:
        self.file = folder / "federation.toml"
        self.file.write_text(FEDERATION)
        federation = load_federation(self.file)
        provision(federation)
        self.folder = CoordinatorFolder(federation.state).study("0123456789abcdef")
        self.folder.mkdir(parents=True)
        rounds = sum(stage.rounds for stage in STUDY.stages)
        self.status = StatusFile(
            self.folder / STATUS,
            StudyStatus(study=STUDY.name, fingerprint=self.folder.name, state="running", rounds_total=rounds),
        )
        self._permits, self._arrived = threading.Semaphore(0), threading.Semaphore(0)

    @property
    def rounds(self) -> list[RoundRecord]:
        """The complete rounds, as the ledger has them."""
        return Ledger(self.folder / LEDGER, STUDY, INITIAL).records

    @contextmanager
    def running(self) -> Iterator[None]:
        """The study, held at the start of its first round; at the end of the block it goes on to its end."""
        thread = threading.Thread(target=self._run, daemon=True)
        with exclusive(self.folder / LOCK):
            thread.start()
            self._arrived.acquire()
            yield
            self._permits.release(len(STUDY.stages) * 100)
            thread.join()

    def step(self) -> None:
        """One more round: until the next one has begun, or the study has ended."""
        self._permits.release()
        self._arrived.acquire()

    def tell(self, event: events.Event) -> None:
        """An event that the round loop would tell."""
        self.status.on_event(event)

    def _run(self) -> None:
        self.status.begin([], Standings(self.folder / LEDGER))

        def on_event(event: events.Event) -> None:
            self.status.on_event(event)
            if isinstance(event, events.RoundStarted):
                self._arrived.release()
                self._permits.acquire()

        (self.folder / LEDGER).mkdir(exist_ok=True)
        result = run(self.folder / LEDGER, grid_of(sites_of()), on_event=on_event)
        write_report(self.folder, result)
        self.status.complete()
        self._arrived.release()
