"""Prepares a folder of labelled studies into a LobeStore, resumable and in parallel."""

import csv
import io
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from preprocessing.labels import LabelledStudy, read_labels, unlabelled_folders
from preprocessing.pipeline import PreparedScan, prepare_series
from preprocessing.reading.refusals import FLAGS
from preprocessing.review.review_list import ReviewedScan, review, write_review
from preprocessing.review.sheet_files import remove_sheets_of_others
from preprocessing.settings import DEFAULT_SETTINGS, PreprocessingSettings
from preprocessing.store.lobe_store import LobeStore
from preprocessing.store.store_lock import only_writer
from preprocessing.study_preparation.identifiers import identifiers_of
from preprocessing.study_preparation.patients import Patient, patients_of
from preprocessing.study_preparation.prepare_study import Choice, Rejection, StudyTask, source_of
from preprocessing.study_preparation.study_pool import prepare_studies
from shared_model.errors import DISK_FULL, PneumofedError
from shared_model.files import write_atomically
from shared_model.progress import Progress

__all__ = ["PrepareReport", "PreparedScan", "Rejection", "prepare", "prepare_series"]


@dataclass(frozen=True)
class PrepareReport:
    """How many studies were added, already present, or rejected; all problems of rejected studies; the
    choices made in studies with several usable series; and the doubtful scans of the store, most doubtful
    first. `unlabelled` names folders without a row, which were set aside; `notes` say what was assumed of
    patients.
    """

    added: int
    present: int
    rejected: int
    problems: tuple[Rejection, ...]
    choices: tuple[Choice, ...]
    doubtful: tuple[ReviewedScan, ...]
    unlabelled: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def prepare(
    folder: Path,
    labels_csv: Path,
    store_path: Path,
    *,
    settings: PreprocessingSettings = DEFAULT_SETTINGS,
    jobs: int = 1,
    progress: Progress | None = None,
) -> PrepareReport:
    """Prepare every study of `folder` (see labels.read_labels) into the store, which is created if missing.

    Studies already in the store are skipped, so a killed run is resumed by running it again. A study that
    cannot be used is listed in STORE/rejected.csv by its row in labels.csv with all its problems. Each scan
    has a contact sheet in STORE/sheets; STORE/review.csv and review.html list all scans of the store, most
    doubtful first. `progress` is called after each study.

    Raises before any work: what read_labels and LobeStore.open raise, `store-fingerprint` for a store made
    with other settings, `store-busy` if another process writes to it. Later: `disk-full`; no study is half
    written.
    """
    studies = read_labels(folder, labels_csv)
    if store_path.resolve().is_relative_to(folder.resolve()):
        reason = "the store lies inside the folder of studies; name a place beside it"
        raise PneumofedError("store-inside", reason)
    patients = patients_of(identifiers_of({study.folder.name: study.folder for study in studies}))
    try:
        store = _store(store_path, settings)
        with only_writer(store_path):
            store.upgrade()
            _remove_leftovers(store_path)
            sources = frozenset(source_of(study, store) for study in studies)
            tasks = [StudyTask(study, patients.get(study.folder.name), sources) for study in studies]
            outcomes = []
            for outcome in prepare_studies(tasks, store, jobs):
                outcomes.append(outcome)
                if progress is not None:
                    progress(len(outcomes), len(studies))
            problems = sorted((p for outcome in outcomes for p in outcome.problems), key=lambda p: p.row)
            _write_rejected(store_path / "rejected.csv", problems)
            reviewed = _review(store, {o.key: o.row for o in outcomes if o.key})
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        reason = "the store's disk is full; free space and run this again, it goes on where it was"
        raise PneumofedError("disk-full", reason) from None
    states = [outcome.state for outcome in outcomes]
    counts = (states.count("added"), states.count("present"), states.count("rejected"))
    choices = sorted((o.choice for o in outcomes if o.choice is not None), key=lambda choice: choice.row)
    doubtful = tuple(scan for scan in reviewed if scan.doubts and scan.doubts.doubts)
    return PrepareReport(
        *counts, tuple(problems), tuple(choices), doubtful,
        unlabelled_folders(folder, studies), _patient_notes(patients, studies),
    )  # fmt: skip


def _patient_notes(patients: Mapping[str, Patient], studies: Sequence[LabelledStudy]) -> tuple[str, ...]:
    """What was assumed of the studies whose identifiers do not tell patients apart, by row."""
    flags = {
        study.row: patients[study.folder.name].flag for study in studies if study.folder.name in patients
    }
    notes = []
    for flag in ("no-patient-id", "shared-patient"):
        rows = sorted(row for row, found in flags.items() if found == flag)
        if rows:
            notes.append(f"{flag}: {FLAGS[flag]} (rows {', '.join(map(str, rows))})")
    return tuple(notes)


def _store(path: Path, settings: PreprocessingSettings) -> LobeStore:
    if path.exists() and not path.is_dir():
        raise PneumofedError("store-is-a-file", "the store's path is a file; name a folder")
    if not (path / "store.json").exists():
        return LobeStore.create(path, settings)
    store = LobeStore.open(path)
    if store.fingerprint != settings.fingerprint:
        reason = "the store was made with other preprocessing settings; prepare into a new store"
        raise PneumofedError("store-fingerprint", reason)
    return store


def _remove_leftovers(store: Path) -> None:
    """Remove the partial folders and files of a killed run."""
    for leftover in store.rglob(".*.partial"):
        if leftover.is_dir():
            shutil.rmtree(leftover)
        else:
            leftover.unlink(missing_ok=True)


def _review(store: LobeStore, rows: dict[str, int]) -> list[ReviewedScan]:
    """Write the list of the store's scans, most doubtful first; `rows` of labels.csv by key."""
    keys = store.keys()
    remove_sheets_of_others(store.path, keys)
    reviewed = review(store.path, keys, rows)
    write_review(store.path, reviewed)
    return reviewed


def _write_rejected(path: Path, problems: list[Rejection]) -> None:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["labels_row", "code", "reason"])
    writer.writerows((problem.row, problem.code, problem.reason) for problem in problems)
    write_atomically(path, text.getvalue().encode())
