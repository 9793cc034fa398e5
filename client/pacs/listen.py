"""`hospital listen`: receives studies until it is asked to end, and says which are complete."""

import logging
import threading
import time

from client.pacs.ending import ending_on_signal
from client.pacs.inbox import Inbox
from client.pacs.pacs_settings import ListenSettings, PacsSettings
from client.pacs.receiver import Receiver
from shared_model.errors import PneumofedError
from shared_model.file_lock import exclusive

log = logging.getLogger("pneumofed")

_TICK_S = 1.0
_CLEAN_S = 3600.0
_ABANDONED = 100
"""Times `idle_s` after which a file that is being received will not be finished any more."""


def listen(settings: PacsSettings) -> None:
    """Receive until SIGTERM or SIGINT.

    Raises PneumofedError `no-listen` without the table [listen], `inbox-busy` if another one listens,
    `listen-failed`; OSError if the inbox cannot be written.
    """
    if settings.listen is None:
        raise PneumofedError(
            "no-listen", "pacs.toml: there is no table [listen]; docs/pacs.md has an example"
        )
    inbox = Inbox(settings.inbox)
    busy = PneumofedError("inbox-busy", f"{settings.inbox}: another process listens for this inbox; end it")
    ending = ending_on_signal()
    listening = settings.listen
    with exclusive(inbox.incoming, create=False, refusal=busy):
        receiver = Receiver(listening, inbox)
        with receiver.serving():
            log.info("listening on port %d", listening.port)
            _tend(receiver, inbox, listening, settings.keep_days, ending)


def _tend(
    receiver: Receiver, inbox: Inbox, settings: ListenSettings, keep_days: float, ending: threading.Event
) -> None:
    said: dict[str, int] = {}
    cleaned = -_CLEAN_S
    while not ending.wait(min(_TICK_S, settings.quiet_s / 2)):
        try:
            if completed := inbox.mark_quiet(settings.quiet_s):
                log.info("complete: %d more", completed)
            if time.monotonic() - cleaned >= _CLEAN_S:
                cleaned = time.monotonic()
                inbox.clear_incoming(_ABANDONED * settings.idle_s)
                if deleted := inbox.delete_old(keep_days):
                    log.info("deleted after %g days: %d", keep_days, deleted)
        except OSError as error:
            log.error("the inbox cannot be written: %s", error.strerror)
        if (counts := receiver.counts()) != said:
            said = counts
            log.info("so far %s", ", ".join(f"{code} {count}" for code, count in counts.items()))
