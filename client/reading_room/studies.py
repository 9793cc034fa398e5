"""The studies of the inboxes with what `hospital diagnose` said of them, as the reading room sees them.

Only what a list shows is kept in memory; documents and headers are read when they are asked for.
"""

import os
import re
import threading
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from client.diagnosis.document import DiagnosisDocument, read_diagnosis
from client.diagnosis.earlier_scans import EarlierScan, earlier_scans
from client.diagnosis.result_names import DOCUMENT
from client.diagnosis.study_files import files_digest
from client.pacs.failure import FAILURE, Failure, of_altered_inbox, of_several_patients, read_failure
from client.pacs.inbox import COMPLETE, IMAGES, REFUSED, is_as_received
from client.reading_room.model_verdict import ModelVerdict, model_verdict
from client.reading_room.patient_header import PatientHeader, read_patient_header
from preprocessing.study_preparation.identifiers import StudyIdentifiers, read_identifiers
from shared_model.errors import PneumofedError
from shared_model.file_lock import is_held

State = Literal["arriving", "waiting", "diagnosing", "failed", "diagnosed"]
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_OF_NOBODY = {of_several_patients().code, of_altered_inbox().code}
"""Failures of studies of which no header is shown: another image may be of somebody else."""


@dataclass(frozen=True)
class RoomStudy:
    """One study.

    images: folder of its images. results: folder of its results. uploaded: it did not come from the PACS.
    arrived: when its last image came, in s since 1970. failure: why it failed. verdict: what a list shows of
    its diagnosis; None unless it is diagnosed.
    """

    name: str
    images: Path
    results: Path
    uploaded: bool
    arrived: float
    state: State
    failure: PneumofedError | None = None
    verdict: ModelVerdict | None = None

    def patient(self) -> PatientHeader | None:
        """Who it is of, read anew; None if no header can be read, or it is not of one patient for certain."""
        known = self.failure is None or self.failure.code not in _OF_NOBODY
        return read_patient_header(self.images) if known else None

    def document(self) -> DiagnosisDocument:
        """The diagnosis, read anew. Raises PneumofedError `not-diagnosed`."""
        document = read_diagnosis(self.results) if self.verdict is not None else None
        if document is None:
            raise PneumofedError("not-diagnosed", f"study {self.name} has no diagnosis: it is {self.state}")
        return document


@dataclass(frozen=True)
class _Known:
    """What is known of a study as long as its files have this version."""

    version: tuple[int, ...]
    study: RoomStudy
    begun: Failure | None
    identifiers: StudyIdentifiers | None


class Studies:
    """Studies of `inboxes`, the last of which holds uploads, with their results in `results`."""

    def __init__(self, inboxes: Sequence[Path], results: Path) -> None:
        self._inboxes, self._results = inboxes, results
        self._known: dict[str, _Known] = {}
        self._identified: dict[str, StudyIdentifiers] = {}
        self._earlier: dict[str, tuple[EarlierScan, ...]] = {}
        self._lock = threading.Lock()

    def all(self) -> dict[str, RoomStudy]:
        """Every study by its name."""
        with self._lock:
            self._look()
            return {name: self._resolved(one) for name, one in self._known.items()}

    def find(self, name: str) -> RoomStudy:
        """One study. Raises PneumofedError `not-found`."""
        places = [inbox / name for inbox in self._inboxes] if _NAME.fullmatch(name) else []
        folder = next(filter(Path.is_dir, places), None)
        if folder is None:
            raise PneumofedError("not-found", "there is no such study; its time may be over")
        with self._lock:
            self._known[name] = self._looked_at(folder)
            return self._resolved(self._known[name])

    def earlier(self) -> dict[str, tuple[EarlierScan, ...]]:
        """The earlier scans of the same patient of each study, the most recent first."""
        with self._lock:
            self._look()
            known = {name: one.identifiers for name, one in self._known.items() if one.identifiers}
            if known != self._identified:
                self._identified, self._earlier = known, earlier_scans(known)
            return self._earlier

    def mark(self) -> Hashable:
        """Differs when any study may differ."""
        versions = [(folder.name, self._version(folder)) for folder in self._folders()]
        return tuple(versions), is_held(self._results)

    def _folders(self) -> Iterator[Path]:
        for inbox in self._inboxes:
            if inbox.is_dir():
                yield from sorted(
                    one for one in inbox.iterdir() if _NAME.fullmatch(one.name) and one.is_dir()
                )

    def _look(self) -> None:
        self._known = {folder.name: self._looked_at(folder) for folder in self._folders()}

    def _looked_at(self, folder: Path) -> _Known:
        version, known = self._version(folder), self._known.get(folder.name)
        if known is not None and known.version == version:
            return known
        return self._read(folder, version)

    def _version(self, folder: Path) -> tuple[int, ...]:
        # As texts: this is asked of every study for every page.
        results = f"{self._results}/{folder.name}"
        marks = [f"{folder}/{mark}" for mark in (COMPLETE, REFUSED, IMAGES)]
        return tuple(map(_changed_ns, (*marks, f"{results}/{DOCUMENT}", f"{results}/{FAILURE}")))

    def _read(self, folder: Path, version: tuple[int, ...]) -> _Known:
        images, results = folder / IMAGES, self._results / folder.name
        as_received = is_as_received(folder)
        state, failure, verdict, begun = _ALTERED if not as_received else _state_of(folder, images, results)
        study = RoomStudy(
            name=folder.name,
            images=images,
            results=results,
            uploaded=folder.parent == self._inboxes[-1],
            arrived=_changed_ns(images) / 1e9,
            state=state,
            failure=failure,
            verdict=verdict,
        )
        return _Known(version, study, begun, read_identifiers(images) if as_received else None)

    def _resolved(self, known: _Known) -> RoomStudy:
        """The study, of which is now known whether its diagnosis still runs."""
        if known.begun is None:
            return known.study
        begun = [one for one in self._known.values() if one.begun is not None]
        if known is max(begun, key=lambda one: one.version[-1]) and is_held(self._results):
            return _replaced(known.study, "diagnosing", None)
        died = known.begun.as_error()
        return known.study if died is None else _replaced(known.study, "failed", died)


_Found = tuple[State, PneumofedError | None, ModelVerdict | None, Failure | None]
_ALTERED: _Found = "failed", of_altered_inbox(), None, None


def _state_of(folder: Path, images: Path, results: Path) -> _Found:
    """State, failure, verdict, and what was begun: to be diagnosed now, or when the process ended."""
    if (folder / REFUSED).exists():
        return "failed", of_several_patients(), None, None
    if not (folder / COMPLETE).exists():
        return "arriving", None, None, None
    digest, failure, document = files_digest(images), read_failure(results), read_diagnosis(results)
    if failure is not None and failure.made_of.split(" ")[0] != digest:
        failure = None  # of files that were there before
    if failure is not None and failure.code:
        return "failed", failure.as_error(), None, None
    if document is not None and document.files_sha256 == digest:
        return "diagnosed", None, model_verdict(document), None
    return "waiting", None, None, failure


def _replaced(study: RoomStudy, state: State, failure: PneumofedError | None) -> RoomStudy:
    return RoomStudy(**(vars(study) | {"state": state, "failure": failure}))


def _changed_ns(path: str | Path) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:  # it is not there
        return 0
