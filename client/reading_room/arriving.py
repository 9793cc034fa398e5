"""One upload while it is received and checked: in a folder of its own, which is gone afterwards."""

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from client.pacs.pacs_settings import ReadSettings
from client.reading_room.one_study import FoundStudy, one_study
from client.reading_room.unpacking import unpack
from client.reading_room.upload_refusals import upload_refused
from shared_model.errors import DISK_FULL

GIB = 1 << 30
_ARCHIVE, _FILES = "archive", "files"


class ArrivingUpload:
    """What arrives, in the empty `folder`, within the bounds of `settings`, until `ending` is set.

    For one thread at a time.
    """

    def __init__(self, folder: Path, settings: ReadSettings, ending: threading.Event) -> None:
        self._folder, self._settings, self._ending = folder, settings, ending
        self._deadline = time.monotonic() + 60 * settings.max_minutes
        self._file: BinaryIO = (folder / _ARCHIVE).open("xb")
        self._received = 0

    def check(self) -> None:
        """Raises PneumofedError `upload-too-slow`, `disk-full`, `upload-cut-short`."""
        if self._ending.is_set():
            raise upload_refused("upload-cut-short")
        if time.monotonic() > self._deadline:
            raise upload_refused("upload-too-slow")
        check_space(self._folder, self._settings)

    def write(self, piece: bytes) -> None:
        """The next bytes of the archive. Raises PneumofedError `upload-too-large` and as `check` does."""
        self._received += len(piece)
        if self._received > self._settings.max_upload_gb * GIB:
            raise upload_refused("upload-too-large")
        self.check()
        with refusing_full_disk():
            self._file.write(piece)

    def study(self) -> FoundStudy:
        """The study in what was written, unpacked. Raises PneumofedError with a code of UPLOAD_REFUSALS."""
        archive, settings = self._folder / _ARCHIVE, self._settings
        with refusing_full_disk():
            self._file.close()
            files = unpack(
                archive,
                self._folder / _FILES,
                most_files=settings.max_files,
                most_bytes=round(settings.max_unpacked_gb * GIB),
                alive=self.check,
            )
            archive.unlink()
        return one_study(files, self.check)

    def discard(self) -> None:
        """Delete all of it."""
        with suppress(OSError):  # of a full disk
            self._file.close()
        shutil.rmtree(self._folder, ignore_errors=True)


def check_space(folder: Path, settings: ReadSettings, *, needed: int = 0) -> None:
    """Raises PneumofedError `disk-full` unless `needed` bytes leave enough free where `folder` is."""
    if shutil.disk_usage(folder).free - needed < settings.min_free_gb * GIB:
        raise upload_refused("disk-full")


@contextmanager
def refusing_full_disk() -> Iterator[None]:
    """Raises PneumofedError `disk-full` for the OSError of a full disk."""
    try:
        yield
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        raise upload_refused("disk-full") from None
