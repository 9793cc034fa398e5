"""Studies as they came from the PACS or a reader, each in a folder until `diagnose` has done with it.

    INBOX/STUDY/images/IMAGE.dcm    an image as it was sent
    INBOX/STUDY/complete            made after the quiet time, removed if an image comes after all
    INBOX/STUDY/refused             in place of it: images of several patients came for this study
    INBOX/.quarantine/REASON-*.dcm  what is not kept, the newest up to a number and size
    INBOX/.incoming/                what is being received
    INBOX/.deleted/STUDY            people deleted it: its results are to go as well
    INBOX/.key                      key of the hashes that STUDY and IMAGE are; nothing of a header is a name

An image that was taken is on disk before the sender hears of it. See decision 0151.
"""

import filecmp
import hashlib
import hmac
import os
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from client.pacs.received_image import NotKeptError, ReceivedImage, read_received
from shared_model.file_lock import exclusive
from shared_model.files import flush_folder, write_atomically

IMAGES, COMPLETE, REFUSED = "images", "complete", "refused"
INCOMING, QUARANTINE, DELETED, _KEY, _LOCK = ".incoming", ".quarantine", ".deleted", ".key", ".lock"
MOST_QUARANTINED, MOST_QUARANTINED_BYTES = 1000, 1 << 30
SEVERAL_PATIENTS, STUDY_DIFFERS = "several-patients", "study-differs"
_FOR_GROUP = 0o640  # `diagnose` may run as another user, of the folder's group


def complete_studies(inbox: Path) -> dict[str, Path]:
    """Name -> folder of each study that is complete, sorted."""
    return {folder.name: folder for folder in _studies(inbox) if (folder / COMPLETE).exists()}


def refused_studies(inbox: Path) -> dict[str, Path]:
    """Name -> folder of each study that is not to be diagnosed, as images of several patients came for it."""
    return {folder.name: folder for folder in _studies(inbox) if (folder / REFUSED).exists()}


def deleted_studies(inbox: Path) -> set[str]:
    """Names of studies that people deleted, lately."""
    return {one.name for one in _files(inbox / DELETED)}


def is_as_received(study: Path) -> bool:
    """Whether the folder `study` and its images are folders and files, as the receiver leaves them.

    A link would have whoever reads the inbox read for who may write to it, and a link to / read everything.
    """
    if study.is_symlink() or (study / IMAGES).is_symlink():
        return False
    try:
        with os.scandir(study / IMAGES) as entries:
            return all(entry.is_file(follow_symlinks=False) for entry in entries)
    except FileNotFoundError:  # none has come
        return True


def _studies(inbox: Path) -> Iterator[Path]:
    yield from sorted(one for one in inbox.iterdir() if one.name[0] != "." and one.is_dir())


class Inbox:
    """The receiver's side: takes files, says when studies are complete, and deletes old ones."""

    def __init__(self, folder: Path) -> None:
        """Makes what is missing. Raises OSError if it cannot."""
        self.folder = folder
        for made in (folder, folder / INCOMING, folder / QUARANTINE):
            made.mkdir(parents=True, exist_ok=True)
        with exclusive(folder / _LOCK):
            if not (folder / _KEY).exists():
                write_atomically(folder / _KEY, secrets.token_bytes(32), mode=0o600)
        self._key = (folder / _KEY).read_bytes()

    @property
    def incoming(self) -> Path:
        """Where files are received before `take`."""
        return self.folder / INCOMING

    def take(self, received: Path, *, named: str | None = None) -> str:
        """Move the file `received`, which is in `incoming`, to its study; returns the study's name.

        On return it is durable. The same image again changes nothing; another one under its UID replaces it.
        named: the SOPInstanceUID by which its sender called it, which must be its own.
        Raises NotKeptError after moving it to the quarantine, OSError if the disk fails.
        """
        try:
            image = read_received(received)
            if named is not None and named != image.instance_uid:
                raise NotKeptError("identifiers-differ")
            _make_durable(received)
            with exclusive(self.folder / _LOCK):
                return self._place(received, image)
        except NotKeptError as reason:
            self._quarantine(received, reason.reason)
            raise

    def _place(self, received: Path, image: ReceivedImage) -> str:
        study = self.folder / self.name_of(image.study_uid)
        place = study / IMAGES / f"{self.name_of(image.instance_uid)}.dcm"
        self._refuse_other_patients(study, image)
        if place.exists() and filecmp.cmp(place, received, shallow=False):
            received.unlink()
            return study.name
        place.parent.mkdir(parents=True, exist_ok=True)
        if (study / COMPLETE).exists():  # an image that is late: the study is not complete after all
            (study / COMPLETE).unlink()
            flush_folder(study)
        os.replace(received, place)
        for folder in (place.parent, study, self.folder):
            flush_folder(folder)
        return study.name

    def take_study(self, study_uid: str, images: Mapping[str, Path]) -> str:
        """Move all images of a study, files in `incoming` by SOPInstanceUID; returns the study's name.

        The study appears whole, complete and durable, or not at all. The same images again change nothing.
        Raises NotKeptError `study-differs` if the study is there with any other images, OSError.
        """
        made = self.incoming / f"whole-{secrets.token_hex(8)}"
        study = self.folder / self.name_of(study_uid)
        (made / IMAGES).mkdir(parents=True)
        try:
            for uid, file in images.items():
                _make_durable(file)
                os.replace(file, made / IMAGES / f"{self.name_of(uid)}.dcm")
            (made / COMPLETE).touch(_FOR_GROUP)
            for folder in (made / IMAGES, made):
                flush_folder(folder)
            with exclusive(self.folder / _LOCK):
                if not study.exists():
                    (self.folder / DELETED / study.name).unlink(missing_ok=True)
                    os.rename(made, study)
                    flush_folder(self.folder)
                elif not _hold_the_same(made / IMAGES, study / IMAGES):
                    raise NotKeptError(STUDY_DIFFERS)
        finally:
            shutil.rmtree(made, ignore_errors=True)
        return study.name

    def delete(self, study: str) -> None:
        """Delete a study for good, if it is there. `diagnose` deletes its results."""
        with exclusive(self.folder / _LOCK):
            if (self.folder / study).is_dir():
                (self.folder / DELETED).mkdir(exist_ok=True)
                (self.folder / DELETED / study).touch(_FOR_GROUP)
                self._delete(self.folder / study)

    def _delete(self, study: Path) -> None:
        gone = self.incoming / f"deleted-{secrets.token_hex(8)}"
        os.rename(study, gone)  # at once: nobody sees half a study
        shutil.rmtree(gone)

    def _refuse_other_patients(self, study: Path, image: ReceivedImage) -> None:
        if (study / REFUSED).exists():
            raise NotKeptError(SEVERAL_PATIENTS)
        present = next(_files(study / IMAGES), None)
        if present is not None and image.is_of_other_patient(read_received(present)):
            write_atomically(study / REFUSED, b"")
            (study / COMPLETE).unlink(missing_ok=True)
            raise NotKeptError(SEVERAL_PATIENTS)

    def _quarantine(self, received: Path, reason: str) -> None:
        folder = self.folder / QUARANTINE
        _make_durable(received)
        os.replace(received, folder / f"{reason}-{secrets.token_hex(8)}.dcm")
        flush_folder(folder)
        held = sorted(((file, file.stat()) for file in _files(folder)), key=lambda one: -one[1].st_mtime_ns)
        total = 0
        for number, (file, status) in enumerate(held, start=1):  # the newest first
            total += status.st_size
            if number > MOST_QUARANTINED or total > MOST_QUARANTINED_BYTES:
                file.unlink(missing_ok=True)

    def mark_complete(self, study: str) -> None:
        """Say that all images of `study` have come."""
        if not (self.folder / study / REFUSED).exists():
            write_atomically(self.folder / study / COMPLETE, b"")

    def mark_quiet(self, quiet_s: float) -> int:
        """Mark studies of which no image came for `quiet_s` seconds as complete; returns how many."""
        marked = 0
        with exclusive(self.folder / _LOCK):
            for study in _studies(self.folder):
                if not (study / COMPLETE).exists() and _is_quiet(study / IMAGES, quiet_s):
                    self.mark_complete(study.name)
                    marked += (study / COMPLETE).exists()
        return marked

    def delete_old(self, keep_days: float) -> int:
        """Delete studies and quarantined files older than `keep_days` days; returns how many studies."""
        until, deleted = time.time() - 86400 * keep_days, 0
        with exclusive(self.folder / _LOCK):
            for study in _studies(self.folder):
                images = study / IMAGES
                if (images if images.exists() else study).stat().st_mtime < until:
                    self._delete(study)
                    deleted += 1
            for file in (*_files(self.folder / QUARANTINE), *_files(self.folder / DELETED)):
                if file.stat().st_mtime < until:
                    file.unlink()
        return deleted

    def clear_incoming(self, older_s: float) -> None:
        """Delete what was being received when its sender, or this process, ended, `older_s` seconds ago."""
        for one in self.incoming.iterdir():
            if one.stat().st_mtime <= time.time() - older_s:
                shutil.rmtree(one) if one.is_dir() else one.unlink(missing_ok=True)

    def name_of(self, uid: str) -> str:
        """The name of the study, or the image, with this UID."""
        return hmac.new(self._key, uid.encode(), hashlib.sha256).hexdigest()[:24]


def _files(folder: Path) -> Iterator[Path]:
    return (one for one in folder.iterdir() if one.is_file()) if folder.is_dir() else iter(())


def _hold_the_same(one: Path, other: Path) -> bool:
    """Whether two folders have the same files, by name and content."""
    names = {file.name for file in _files(one)}
    if names != {file.name for file in _files(other)}:
        return False
    return all(filecmp.cmp(one / name, other / name, shallow=False) for name in names)


def _make_durable(file: Path) -> None:
    file.chmod(_FOR_GROUP)
    handle = os.open(file, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _is_quiet(images: Path, quiet_s: float) -> bool:
    if next(_files(images), None) is None:
        return False
    age_s = time.time() - images.stat().st_mtime  # of the folder: of the last file that was renamed into it
    if age_s < 0:  # the clock was set back
        os.utime(images)
    return age_s >= quiet_s
