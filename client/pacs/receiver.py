"""The receiver of studies: a Storage SCP that answers success only for what is on disk (PS3.4 B)."""

import logging
import shutil
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pynetdicom import AE, AllStoragePresentationContexts, _config, evt

from client.pacs.bounded_server import BoundedServer, Bounds, plain_address
from client.pacs.inbox import SEVERAL_PATIENTS, Inbox
from client.pacs.pacs_settings import ListenSettings
from client.pacs.received_image import NotKeptError
from shared_model.errors import PneumofedError

log = logging.getLogger("pneumofed")

# PS3.4 B.2.3. Objects that are not CT are no fault of their sender: a rule that sends whole studies goes on.
SUCCESS, OUT_OF_RESOURCES, DIFFERENT, NOT_UNDERSTOOD = 0x0000, 0xA700, 0xA900, 0xC000
_ANSWERS = {"not-ct": SUCCESS, "identifiers-differ": DIFFERENT, SEVERAL_PATIENTS: DIFFERENT}
_REJECTED, _BY_USER, _CALLING_TITLE = 0x01, 0x01, 0x03  # PS3.8 9.3.4
_VERIFICATION = "1.2.840.10008.1.1"
_TRANSFER_SYNTAXES = [
    f"1.2.840.10008.1.2{rest}"
    for rest in (
        ".1", "", ".1.99", ".2", ".4.50", ".4.51", ".4.57", ".4.70", ".4.80", ".4.81", ".4.90", ".4.91",
        ".4.201", ".4.202", ".4.203", ".5",
    )
]  # fmt: skip


class Receiver:
    """Answers C-STORE and C-ECHO of the peers in `settings`, and puts what it takes into `inbox`."""

    def __init__(self, settings: ListenSettings, inbox: Inbox) -> None:
        self._settings, self._inbox = settings, inbox
        self._peers = {(one.ae_title, one.address) for one in settings.peers}
        self._counts: Counter[str] = Counter()
        self._counting = threading.Lock()

    @contextmanager
    def serving(self) -> Iterator[BoundedServer]:
        """Accept associations for the block. Raises PneumofedError `listen-failed`."""
        with _streaming_to(self._inbox):
            server = self._server()
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.2}, daemon=True)
            thread.start()
            try:
                yield server
            finally:
                server.shutdown()
                for association in server.active_associations:
                    association.abort()
                thread.join()

    def counts(self) -> dict[str, int]:
        """How many objects were kept ("kept"), and how many objects and connections not, by code."""
        with self._counting:
            return dict(sorted(self._counts.items()))

    def _server(self) -> BoundedServer:
        settings = self._settings
        ae = AE(ae_title=settings.ae_title)
        ae.require_called_aet = True
        ae.maximum_pdu_size = settings.max_pdu_kb << 10
        ae.maximum_associations = settings.associations * len(settings.peers)
        ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = settings.idle_s
        for context in AllStoragePresentationContexts:
            ae.add_supported_context(context.abstract_syntax or "", _TRANSFER_SYNTAXES)
        ae.add_supported_context(_VERIFICATION)
        try:
            return BoundedServer(
                ae,
                (settings.address, settings.port),
                [(evt.EVT_REQUESTED, self._requested), (evt.EVT_C_STORE, self._store)],
                bounds=self._bounds(),
                on_refusal=self._count,
            )
        except OSError as error:
            raise PneumofedError(
                "listen-failed",
                f"port {settings.port}: cannot listen ({error.strerror}); is the address this machine's, and "
                "does no other process use the port?",
            ) from None

    def _bounds(self) -> Bounds:
        return Bounds(
            addresses=frozenset(address for _, address in self._peers),
            associations=self._settings.associations,
            pdu_bytes=self._settings.max_pdu_kb << 10,
            object_bytes=round(self._settings.max_object_mb * (1 << 20)),
            idle_s=self._settings.idle_s,
        )

    def _requested(self, event: Any) -> None:
        association, requestor = event.assoc, event.assoc.requestor
        caller = (requestor.primitive.calling_ae_title.strip(), plain_address(requestor.address))
        if caller not in self._peers:
            self._count("unknown-peer")
            association.acse.send_reject(_REJECTED, _BY_USER, _CALLING_TITLE)
            association.kill()  # returns once the rejection was sent

    def _store(self, event: Any) -> int:
        """The status with which a C-STORE is answered."""
        try:
            self._check_space()
            self._inbox.take(event.dataset_path, named=str(event.request.AffectedSOPInstanceUID))
        except NotKeptError as not_kept:
            self._count(not_kept.reason)
            return _ANSWERS.get(not_kept.reason, NOT_UNDERSTOOD)
        except OSError:
            self._count("disk-full")
            return OUT_OF_RESOURCES
        self._count("kept")
        return SUCCESS

    def _check_space(self) -> None:
        free = shutil.disk_usage(self._inbox.folder).free
        if free < self._settings.min_free_gb * (1 << 30):
            raise OSError("too little space is left")

    def _count(self, code: str) -> None:
        with self._counting:
            self._counts[code] += 1


@contextmanager
def _streaming_to(inbox: Inbox) -> Iterator[None]:
    """Let pynetdicom write what it receives into the inbox's folder, not into memory."""
    before = (tempfile.tempdir, _config.STORE_RECV_CHUNKED_DATASET, _config.LOG_HANDLER_LEVEL)
    tempfile.tempdir, _config.STORE_RECV_CHUNKED_DATASET = str(inbox.incoming), True
    _config.LOG_HANDLER_LEVEL = "none"  # it would format every header
    try:
        yield
    finally:
        tempfile.tempdir, _config.STORE_RECV_CHUNKED_DATASET, _config.LOG_HANDLER_LEVEL = before
