"""`hospital diagnose`: diagnoses the complete studies of several inboxes one after the other, resumable.

    RESULTS/STUDY/                results of the study of that name: client/diagnosis/diagnosis_output.py
    RESULTS/STUDY/failure.json    why there are none; while a study is diagnosed, that this was begun
    RESULTS/worklist.csv          the order in which to read them: client/diagnosis/worklist.py
    RESULTS/progress.json         how far the one is that is diagnosed now: client/pacs/queue_progress.py

It needs no network. Killed at any time, it goes on where it was: a study is known by its results
or its failure.
"""

import logging
import shutil
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from client.diagnosis.diagnose import LoadedModel
from client.diagnosis.diagnose_studies import diagnosis_or_reason, known_diagnosis
from client.diagnosis.diagnosis_output import remove_diagnosis
from client.diagnosis.document import DiagnosisDocument
from client.diagnosis.earlier_scans import earlier_scans
from client.diagnosis.study_files import files_digest
from client.diagnosis.worklist import WORKLIST, worklist, worklist_csv
from client.pacs.failure import (
    FAILURE,
    Failure,
    of_altered_inbox,
    of_several_patients,
    read_failure,
    write_failure,
)
from client.pacs.inbox import (
    COMPLETE,
    IMAGES,
    REFUSED,
    complete_studies,
    deleted_studies,
    is_as_received,
    refused_studies,
)
from client.pacs.queue_progress import PROGRESS, progress_told
from preprocessing.study_preparation.identifiers import StudyIdentifiers, read_identifiers
from shared_model.errors import PneumofedError
from shared_model.file_lock import exclusive
from shared_model.files import write_atomically

log = logging.getLogger("pneumofed")


@dataclass(frozen=True)
class QueuedInbox:
    """An inbox, which need not be there yet. dicom: whether its results are for the PACS as well."""

    folder: Path
    dicom: bool = True

    def studies(self) -> dict[str, Path]:
        """Name -> folder of each study that is complete, or refused."""
        if not self.folder.is_dir():
            return {}
        return complete_studies(self.folder) | refused_studies(self.folder)


@dataclass(frozen=True)
class _Known:
    """What is known of a study, as long as its folder in the inbox has this `version`."""

    version: tuple[int, ...]
    outcome: DiagnosisDocument | PneumofedError
    identifiers: StudyIdentifiers | None


class StudyQueue:
    """The studies in `inboxes`, and their results in `results`, which this process alone writes.

    The inboxes have turns, and in each the study that was complete first: a queue in one does not hold up
    another.
    """

    def __init__(
        self, inboxes: Sequence[QueuedInbox], results: Path, model: LoadedModel, keep_days: float
    ) -> None:
        self._inboxes, self._results, self._model, self._keep_days = inboxes, results, model, keep_days
        self._known: dict[str, _Known] = {}

    def run(self, ending: threading.Event, *, once: bool = False, pause_s: float = 2.0) -> None:
        """Diagnose until `ending` is set, or `once` until nothing is left.

        Raises PneumofedError `out-busy` if another process does; OSError if the disk is full.
        """
        self._results.mkdir(parents=True, exist_ok=True)
        busy = PneumofedError("out-busy", f"{self._results}: another process writes results here; end it")
        # The reading room looks for an instant whether this is held.
        with exclusive(self._results, create=False, refusal=busy, wait_s=0.5):
            (self._results / PROGRESS).unlink(missing_ok=True)  # of one that was killed
            while not ending.is_set():
                if self._work(ending):
                    continue
                if once:
                    return
                ending.wait(pause_s)

    def _work(self, ending: threading.Event) -> bool:
        """Diagnose one new study of each inbox; returns whether there was any."""
        studies = [inbox.studies() for inbox in self._inboxes]
        self._forget_all_but({name for found in studies for name in found})
        worked = False
        for inbox, found in zip(self._inboxes, studies, strict=True):
            new = {name: folder for name, folder in found.items() if not self._is_known(name, folder)}
            if new and not ending.is_set():
                name = min(new, key=lambda name: (_version(new[name]), name))
                self._known[name] = self._looked_at(name, new[name], dicom=inbox.dicom)
                self._write_worklist()
                worked = True
        return worked

    def _forget_all_but(self, present: set[str]) -> None:
        gone = self._known.keys() - present
        for name in gone:
            del self._known[name]
        if gone:
            self._write_worklist()
        self._delete_results(present)

    def _is_known(self, name: str, folder: Path) -> bool:
        return name in self._known and self._known[name].version == _version(folder)

    def _looked_at(self, name: str, folder: Path, *, dicom: bool) -> _Known:
        version = _version(folder)
        if not is_as_received(folder):
            log.warning("%s: holds links, folders or pipes and is not looked at", name)
            return _Known(version, of_altered_inbox(), None)
        started = time.monotonic()
        refused = of_several_patients()
        outcome = refused if _is_refused(folder) else self._outcome(name, folder / IMAGES, dicom=dicom)
        if _is_refused(folder):  # before, or meanwhile
            remove_diagnosis(self._results / name)
            outcome = refused
        code = outcome.code if isinstance(outcome, PneumofedError) else "diagnosed"
        log.info("%s: %s after %.0f s", name, code, time.monotonic() - started)
        return _Known(version, outcome, read_identifiers(folder / IMAGES))

    def _outcome(self, name: str, images: Path, *, dicom: bool) -> DiagnosisDocument | PneumofedError:
        out = self._results / name
        known: DiagnosisDocument | PneumofedError | None
        known = known_diagnosis(images, self._model, out, dicom=dicom, viewing=True)
        made_of, before = self._made_of(images), read_failure(out)
        if known is None and before is not None and before.made_of == made_of:
            known = before.as_error()
        elif known is not None:
            (out / FAILURE).unlink(missing_ok=True)
        if known is not None:
            return known
        begun = 1 + (before.begun if before is not None and before.made_of == made_of else 0)
        out.mkdir(exist_ok=True)
        write_failure(out, Failure(made_of=made_of, begun=begun))
        with progress_told(self._results, name) as on_step:
            outcome = diagnosis_or_reason(
                images, self._model, out, dicom=dicom, viewing=True, on_step=on_step
            )
        if isinstance(outcome, PneumofedError):
            write_failure(out, Failure(made_of=made_of, begun=begun, code=outcome.code, reason=str(outcome)))
        else:
            (out / FAILURE).unlink()
        return outcome

    def _made_of(self, images: Path) -> str:
        card = self._model.card
        return " ".join((files_digest(images), card.weights_sha256, card.card_sha256))

    def _write_worklist(self) -> None:
        identifiers = {name: one.identifiers for name, one in self._known.items() if one.identifiers}
        outcomes = {name: one.outcome for name, one in sorted(self._known.items())}
        rows = worklist(outcomes, earlier_scans(identifiers))
        write_atomically(self._results / WORKLIST, worklist_csv(rows))

    def _delete_results(self, present: set[str]) -> None:
        """Delete results without a study: old ones, and those of studies that people deleted."""
        until = time.time() - 86400 * self._keep_days
        deleted = {name for inbox in self._inboxes for name in deleted_studies(inbox.folder)}
        for folder in self._results.iterdir():
            if not folder.is_dir() or folder.name in present:
                continue
            if folder.name in deleted or folder.stat().st_mtime < until:
                shutil.rmtree(folder)


def _is_refused(folder: Path) -> bool:
    return (folder / REFUSED).exists()


def _version(folder: Path) -> tuple[int, ...]:
    marks = (folder / COMPLETE, folder / REFUSED, folder / IMAGES)
    return tuple(_changed(mark) for mark in marks)


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:  # it is not there
        return 0
