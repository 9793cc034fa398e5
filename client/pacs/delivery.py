"""`hospital deliver`: sends results to the PACS until it has them all, and remembers what it could not send.

A process of its own: it reads results and reaches the PACS; it sees neither scans nor the model.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from pydicom.dataset import FileDataset

from client.pacs.c_store import send_by_c_store
from client.pacs.delivery_errors import RefusedError, UndeliveredError
from client.pacs.delivery_record import DeliveryRecord, DeliveryRecords
from client.pacs.dicomweb import send_by_stow
from client.pacs.pacs_settings import DeliverSettings, PacsSettings
from client.pacs.result_set import ResultSet, read_results, studies_with_results, version
from shared_model.errors import PneumofedError
from shared_model.file_lock import exclusive

log = logging.getLogger("pneumofed")

Send = Callable[[Sequence[FileDataset]], None]
"""Returns once the PACS has confirmed all objects; raises UndeliveredError."""


class Delivery:
    """Delivers the results in `results`; what it knows of them is in `records`."""

    def __init__(self, results: Path, records: Path, settings: DeliverSettings, send: Send) -> None:
        self._results, self._settings, self._send = results, settings, send
        self._folder, self._records = records, DeliveryRecords(records)
        self._delivered: dict[str, int] = {}  # version of results that the PACS is known to have

    def run(self, ending: threading.Event, *, once: bool = False, pause_s: float = 1.0) -> None:
        """Deliver until `ending` is set, or one attempt for each study that is due if `once`.

        Raises PneumofedError `delivery-busy` if another process delivers; OSError if a record
        cannot be written.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        busy = PneumofedError("delivery-busy", f"{self._folder}: another process delivers from here; end it")
        with exclusive(self._folder, create=False, refusal=busy):
            while not ending.is_set():
                self._deliver_due(ending)
                if once:
                    return
                ending.wait(pause_s)

    def _deliver_due(self, ending: threading.Event) -> None:
        studies = {study.name: study for study in studies_with_results(self._results)}
        for name in self._records.studies():
            if not (self._results / name).exists():  # its results were deleted
                self._records.remove(name)
        for name, study in studies.items():
            if ending.is_set():
                return
            self._deliver_if_due(name, study)

    def _deliver_if_due(self, name: str, study: Path) -> None:
        now = version(study)
        if self._delivered.get(name) == now:
            return
        record = self._records.read(name)
        if record is not None and record.state == "waiting" and record.next_at > time.time():
            return
        found = read_results(study, label_map=self._settings.label_map)
        if found is None:
            return
        if record is not None and record.digest == found.digest and record.state != "waiting":
            if record.state == "delivered":
                self._delivered[name] = now
            return
        if record is None or record.digest != found.digest:
            record = DeliveryRecord(digest=found.digest, state="waiting", objects=len(found.objects))
        self._records.write(name, self._attempt(name, found, record))

    def _attempt(self, name: str, found: ResultSet, record: DeliveryRecord) -> DeliveryRecord:
        attempts = record.attempts + 1
        try:
            self._send(found.objects)
        except UndeliveredError as error:
            refusals = record.refusals + isinstance(error, RefusedError)
            dead = refusals >= self._settings.attempts
            pause_s = self._settings.first_pause_s * 2 ** min(attempts - 1, 30)
            next_at = time.time() + min(pause_s, self._settings.longest_pause_s)
            log.warning(
                "%s: not delivered (%s), %s", name, error.code, "dead letter" if dead else "asked again"
            )
            changes = {"state": "dead" if dead else "waiting", "code": error.code, "next_at": next_at}
            return record.model_copy(update=changes | {"attempts": attempts, "refusals": refusals})
        log.info("%s: delivered, %d objects", name, record.objects)
        return record.model_copy(
            update={"state": "delivered", "attempts": attempts, "code": "", "since": time.time()}
        )


def delivery_of(settings: PacsSettings) -> Delivery:
    """The delivery to this hospital's PACS.

    Raises PneumofedError `no-deliver` without the table [deliver].
    """
    send: Send | None = None
    by_c_store = settings.deliver is not None and settings.deliver.method == "c-store"
    if by_c_store and settings.c_store is not None:
        send = partial(send_by_c_store, settings=settings.c_store)
    elif settings.deliver is not None and settings.dicomweb is not None:
        send = partial(send_by_stow, settings=settings.dicomweb)
    if settings.deliver is None or send is None:
        raise PneumofedError(
            "no-deliver", "pacs.toml: there is no table [deliver]; docs/pacs.md has an example"
        )
    return Delivery(settings.results, settings.delivery, settings.deliver, send)
