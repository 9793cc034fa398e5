"""Prepares a folder of labelled studies into a LobeStore, resumable and in parallel."""

import csv
import io
import shutil
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2

from preprocessing.labels import LabelledStudy, read_labels
from preprocessing.pipeline import PreparedScan, find_scan_lobes, prepare_series
from preprocessing.processes import exit_with_parent, uninterrupted, worker_context
from preprocessing.reading.series_selection import select_series
from preprocessing.review.review_list import ReviewedScan, review, write_review
from preprocessing.review.sheet_files import read_doubts, remove_sheets_of_others, write_sheet
from preprocessing.settings import DEFAULT_SETTINGS, PreprocessingSettings
from preprocessing.store.lobe_store import LobeStore
from preprocessing.store.store_lock import join_writer, only_writer
from shared_model.errors import DISK_FULL, PneumofedError
from shared_model.files import write_atomically
from shared_model.progress import Progress

__all__ = ["PrepareReport", "PreparedScan", "Rejection", "prepare", "prepare_series"]


@dataclass(frozen=True)
class Rejection:
    """One problem of a rejected study; `row` is its line in labels.csv."""

    row: int
    code: str
    reason: str


@dataclass(frozen=True)
class Choice:
    """Which of several usable series a study gave, in words; `row` is its line in labels.csv."""

    row: int
    text: str


@dataclass(frozen=True)
class PrepareReport:
    """How many studies were added, already present, or rejected; all problems of rejected studies; the
    choices made in studies with several usable series; and the doubtful scans of the store, most doubtful
    first.
    """

    added: int
    present: int
    rejected: int
    problems: tuple[Rejection, ...]
    choices: tuple[Choice, ...]
    doubtful: tuple[ReviewedScan, ...]


@dataclass(frozen=True)
class _Outcome:
    row: int
    state: Literal["added", "present", "rejected"]
    key: str = ""  # of the scan in the store, unless rejected
    problems: tuple[Rejection, ...] = ()
    choice: Choice | None = None


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
    try:
        store = _store(store_path, settings)
        with only_writer(store_path):
            _remove_leftovers(store_path)
            outcomes = []
            for outcome in _outcomes(studies, store, jobs):
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
    return PrepareReport(*counts, tuple(problems), tuple(choices), doubtful)


def _store(path: Path, settings: PreprocessingSettings) -> LobeStore:
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
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


def _outcomes(studies: list[LabelledStudy], store: LobeStore, jobs: int) -> Iterator[_Outcome]:
    if jobs == 1 or len(studies) == 1:
        yield from (_prepare_study(study, store) for study in studies)
        return
    count = min(jobs, len(studies))
    pool = ProcessPoolExecutor(count, worker_context(), initializer=_start_worker, initargs=(store.path,))
    try:
        with uninterrupted():
            tasks = [pool.submit(_prepare_study, study, store) for study in studies]
        yield from (task.result() for task in as_completed(tasks))
    except BrokenProcessPool:
        reason = "a worker died, probably for lack of memory; run again with fewer jobs"
        raise PneumofedError("worker-died", reason) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _start_worker(store: Path) -> None:
    """Initialise a worker: one thread, and exit with the parent process."""
    cv2.setNumThreads(1)
    join_writer(store)
    exit_with_parent()


def _prepare_study(study: LabelledStudy, store: LobeStore) -> _Outcome:
    selection = select_series(study.folder)
    series, names = selection.series, store.pseudonyms
    problems = tuple(Rejection(study.row, code, reason) for code, reason in selection.problems)
    if series is None:
        return _Outcome(study.row, "rejected", problems=problems)
    choice = None if selection.choice is None else Choice(study.row, selection.choice)
    try:
        key, source = names.key(series.series_uid, series.patient_id), names.source(study.folder.name)
        if store.has(key):
            _update(study, store, key, source)
            if read_doubts(store.path, key) is None:  # killed before the sheet was written
                write_sheet(store.path, key, find_scan_lobes(series, store.settings))
            return _Outcome(study.row, "present", key, choice=choice)
        scan = prepare_series(series, store.settings)
        record = scan.record(key=key, fold=names.fold(series.patient_id), label=study.label, source=source)
        store.add(record, scan.arrays)
        write_sheet(store.path, key, scan)  # after it: of two studies with one scan, only the stored one's
    except PneumofedError as error:
        problem = Rejection(study.row, error.code, str(error))
        return _Outcome(study.row, "rejected", problems=(*problems, problem))
    return _Outcome(study.row, "added", key, choice=choice)


def _update(study: LabelledStudy, store: LobeStore, key: str, source: str) -> None:
    """Update the label of a study that an earlier run prepared. Raises `study-exists` for a duplicate
    study.
    """
    known = store.scan(key)
    if known.source != source:
        raise PneumofedError("study-exists", "the same scan is in the store from another study folder")
    if known.label != study.label:
        store.relabel(known, study.label)


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
