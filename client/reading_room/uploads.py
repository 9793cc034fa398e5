"""Uploads of readers, taken whole into an inbox of their own, or refused whole.

    READING/uploads/                              an inbox: client/pacs/inbox.py
    READING/uploads/.incoming/upload-*/archive    what is being received
    READING/uploads/.incoming/upload-*/files/     what was in it

A killed upload leaves a folder in `.incoming`, which the next start deletes. See decision 0184.
"""

import logging
import math
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from client.diagnosis.result_names import DOCUMENT
from client.pacs.failure import read_failure
from client.pacs.inbox import Inbox, complete_studies
from client.pacs.pacs_settings import ReadSettings
from client.pacs.received_image import NotKeptError
from client.reading_room.arriving import GIB, ArrivingUpload, check_space, refusing_full_disk
from client.reading_room.receipts import RECEIPTS, Receipt, Receipts
from client.reading_room.upload_refusals import upload_refused
from shared_model.errors import PneumofedError

log = logging.getLogger("pneumofed")

_TEND_S = 3600.0


class Uploads:
    """The uploads in the inbox `folder`, of which one process takes care; `results` are of `diagnose`."""

    def __init__(self, folder: Path, results: Path, settings: ReadSettings) -> None:
        """Makes what is missing. Raises OSError."""
        self._folder, self._results, self._settings = folder, results, settings
        self._inbox = Inbox(folder)
        self._receipts = Receipts(folder / RECEIPTS)
        self._arriving = 0
        self._counting, self._changing = threading.Lock(), threading.Lock()
        self._ending = threading.Event()

    def clear_unfinished(self) -> None:
        """Delete what a process left that was killed; for the one that takes care, before it begins."""
        self._inbox.clear_incoming(-math.inf)  # whatever the clock says
        self._forget_gone()

    @property
    def most_bytes(self) -> int:
        """Of an upload, as it is sent."""
        return round(self._settings.max_upload_gb * GIB)

    @contextmanager
    def arriving(self, announced: int | None = None) -> Iterator[ArrivingUpload]:
        """An upload to write to, for the block; announced: its size in bytes, if its sender says so.

        Raises PneumofedError `too-many-waiting`, `upload-too-large`, `disk-full`.
        """
        if announced is not None and announced > self.most_bytes:
            raise upload_refused("upload-too-large")
        check_space(self._folder, self._settings, needed=announced or 0)
        with self._one_more():
            folder = self._inbox.incoming / f"upload-{secrets.token_hex(8)}"
            folder.mkdir(mode=0o700)
            upload = ArrivingUpload(folder, self._settings, self._ending)
            try:
                yield upload
            finally:
                upload.discard()

    @contextmanager
    def _one_more(self) -> Iterator[None]:
        with self._counting:
            if self._arriving + self._waiting() >= self._settings.most_waiting:
                raise upload_refused("too-many-waiting")
            self._arriving += 1
        try:
            yield
        finally:
            with self._counting:
                self._arriving -= 1

    def _waiting(self) -> int:
        """How many uploaded studies have neither a diagnosis nor a reason why there is none."""
        return sum(not self._is_done(name) for name in complete_studies(self._folder))

    def _is_done(self, name: str) -> bool:
        failure = read_failure(self._results / name)
        failed = failure is not None and failure.as_error() is not None
        return failed or (self._results / name / DOCUMENT).exists()

    def accept(self, reader: str, upload: ArrivingUpload) -> Receipt:
        """Check what was written to `upload`, and let its study be diagnosed.

        Raises PneumofedError with a code of UPLOAD_REFUSALS: then nothing of it is kept.
        """
        found = upload.study()
        with self._changing, refusing_full_disk():
            name = self._inbox.name_of(found.study_uid)
            receipt = self._receipts.write(reader, name, len(found.images), found.not_kept)
            try:
                self._inbox.take_study(found.study_uid, found.images)
            except BaseException as error:
                self._receipts.remove(receipt)
                if isinstance(error, NotKeptError):
                    raise upload_refused(error.reason) from None
                raise
            return receipt

    def of(self, reader: str) -> list[Receipt]:
        """The uploads of `reader`, the latest first."""
        return [one for one in self._receipts.all() if one.reader == reader and self._is_there(one)]

    def one(self, reader: str, upload: str) -> Receipt:
        """Raises PneumofedError `not-found` if the reader has no such upload."""
        for receipt in self.of(reader):
            if receipt.id == upload:
                return receipt
        raise PneumofedError("not-found", "you have no such upload; it may have been deleted")

    def delete(self, reader: str, upload: str) -> None:
        """Delete an upload, and its study with it unless another upload is of the same.

        Raises PneumofedError `not-found` as `one` does.
        """
        with self._changing:
            receipt = self.one(reader, upload)
            others = [one for one in self._receipts.all() if one.study == receipt.study and one != receipt]
            if not others:
                self._inbox.delete(receipt.study)
            self._receipts.remove(receipt)

    def delete_old(self, keep_days: float) -> int:
        """Delete studies older than `keep_days` days, and their receipts; returns how many studies."""
        with self._changing:
            deleted = self._inbox.delete_old(keep_days)
            self._forget_gone()
        return deleted

    def tend(self, keep_days: float, ending: threading.Event) -> None:
        """Delete old studies now and once an hour; when `ending` is set, refuse what still arrives."""
        while not self._ending.is_set():
            try:
                if deleted := self.delete_old(keep_days):
                    log.info("uploads deleted after %g days: %d", keep_days, deleted)
            except OSError as error:
                log.error("uploads cannot be deleted: %s", error.strerror)
            if ending.wait(_TEND_S):
                self._ending.set()

    def _forget_gone(self) -> None:
        for receipt in self._receipts.all():
            if not self._is_there(receipt):
                self._receipts.remove(receipt)

    def _is_there(self, receipt: Receipt) -> bool:
        return (self._folder / receipt.study).is_dir()
