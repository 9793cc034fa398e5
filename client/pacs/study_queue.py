"""`hospital diagnose`: diagnoses the complete studies of the inbox one after the other, resumable.

    RESULTS/STUDY/                results of the study of that name: client/diagnosis/diagnosis_output.py
    RESULTS/STUDY/failure.json    why there are none; while a study is diagnosed, that this was begun
    RESULTS/worklist.csv          the order in which to read them: client/diagnosis/worklist.py

It needs no network. Killed at any time, it goes on where it was: a study is known by its results
or its failure.
"""

import logging
import shutil
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from client.diagnosis.diagnose import LoadedModel
from client.diagnosis.diagnose_studies import diagnosis_or_reason, known_diagnosis
from client.diagnosis.diagnosis_output import remove_diagnosis
from client.diagnosis.document import DiagnosisDocument
from client.diagnosis.earlier_scans import earlier_scans
from client.diagnosis.study_files import files_digest
from client.diagnosis.worklist import WORKLIST, worklist, worklist_csv
from client.pacs.failure import FAILURE, Failure, of_several_patients, read_failure, write_failure
from client.pacs.inbox import COMPLETE, IMAGES, REFUSED, complete_studies, refused_studies
from preprocessing.study_preparation.identifiers import StudyIdentifiers, read_identifiers
from shared_model.errors import PneumofedError
from shared_model.file_lock import exclusive
from shared_model.files import write_atomically

log = logging.getLogger("pneumofed")


@dataclass(frozen=True)
class _Known:
    """What is known of a study, as long as its folder in the inbox has this `version`."""

    version: tuple[int, ...]
    outcome: DiagnosisDocument | PneumofedError
    identifiers: StudyIdentifiers | None


class StudyQueue:
    """The studies in `inbox` and their results in `results`, which this process alone writes."""

    def __init__(self, inbox: Path, results: Path, model: LoadedModel, keep_days: float) -> None:
        self._inbox, self._results, self._model, self._keep_days = inbox, results, model, keep_days
        self._known: dict[str, _Known] = {}

    def run(self, ending: threading.Event, *, once: bool = False, pause_s: float = 2.0) -> None:
        """Diagnose until `ending` is set, or `once` until nothing is left.

        Raises PneumofedError `out-busy` if another process does; OSError if the disk is full.
        """
        self._results.mkdir(parents=True, exist_ok=True)
        busy = PneumofedError("out-busy", f"{self._results}: another process writes results here; end it")
        # The reading room looks for an instant whether this is held.
        with exclusive(self._results, create=False, refusal=busy, wait_s=0.5):
            while not ending.is_set():
                if not self._work(ending) and once:
                    return
                ending.wait(pause_s)

    def _work(self, ending: threading.Event) -> int:
        """Diagnose what is new; returns how many studies that were."""
        complete, refused = complete_studies(self._inbox), refused_studies(self._inbox)
        gone = self._known.keys() - complete.keys() - refused.keys()
        for name in gone:
            del self._known[name]
        new = {name: one for name, one in (complete | refused).items() if not self._is_known(name, one)}
        for name, folder in new.items():
            if ending.is_set():
                break
            self._known[name] = self._looked_at(name, folder)
            self._write_worklist()
        if gone:
            self._write_worklist()
        self._delete_old(complete.keys() | refused.keys())
        return len(new)

    def _is_known(self, name: str, folder: Path) -> bool:
        return name in self._known and self._known[name].version == _version(folder)

    def _looked_at(self, name: str, folder: Path) -> _Known:
        version = _version(folder)
        started = time.monotonic()
        refused = of_several_patients()
        outcome = refused if _is_refused(folder) else self._outcome(folder / IMAGES, self._results / name)
        if _is_refused(folder):  # before, or meanwhile
            remove_diagnosis(self._results / name)
            outcome = refused
        code = outcome.code if isinstance(outcome, PneumofedError) else "diagnosed"
        log.info("%s: %s after %.0f s", name, code, time.monotonic() - started)
        return _Known(version, outcome, read_identifiers(folder / IMAGES))

    def _outcome(self, images: Path, out: Path) -> DiagnosisDocument | PneumofedError:
        known: DiagnosisDocument | PneumofedError | None
        known = known_diagnosis(images, self._model, out, dicom=True, viewing=True)
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
        outcome = diagnosis_or_reason(images, self._model, out, dicom=True, viewing=True)
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

    def _delete_old(self, present: set[str]) -> None:
        """Delete results that are old and whose study is not in the inbox any more."""
        until = time.time() - 86400 * self._keep_days
        for folder in self._results.iterdir():
            if folder.is_dir() and folder.name not in present and folder.stat().st_mtime < until:
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
