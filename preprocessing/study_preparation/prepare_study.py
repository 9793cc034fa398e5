"""Prepares one study into the store; whatever happens in it becomes its row."""

from dataclasses import dataclass, replace
from typing import Literal

from preprocessing.labels import LabelledStudy
from preprocessing.pipeline import PreparedScan, find_scan_lobes, prepare_series
from preprocessing.reading.plain_names import printable
from preprocessing.reading.series import CtSeries
from preprocessing.reading.series_selection import select_series
from preprocessing.review.sheet_files import read_doubts, write_sheet
from preprocessing.store.lobe_store import LobeStore
from preprocessing.store.scan_record import ScanRecord
from preprocessing.study_preparation.patients import Patient
from shared_model.errors import DISK_FULL, PneumofedError


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
class Outcome:
    """What became of a study; `key` is its scan's in the store, "" if it was rejected."""

    row: int
    state: Literal["added", "present", "rejected"]
    key: str = ""
    problems: tuple[Rejection, ...] = ()
    choice: Choice | None = None


@dataclass(frozen=True)
class StudyTask:
    """A study to prepare, its patient, and the pseudonyms of all study folders that are there now."""

    study: LabelledStudy
    patient: Patient | None
    sources: frozenset[str]


def rejected(row: int, code: str, reason: str, *before: Rejection) -> Outcome:
    """The outcome of a study that cannot be used, with the problems found `before`."""
    return Outcome(row, "rejected", problems=(*before, Rejection(row, code, reason)))


def source_of(study: LabelledStudy, store: LobeStore) -> str:
    """The pseudonym of a study's folder."""
    return store.pseudonyms.source(printable(study.folder.name))


def prepare_study(task: StudyTask, store: LobeStore) -> Outcome:
    """Prepare one study. Raises OSError if the disk is full, and nothing for bad input."""
    try:
        return _prepare(task, store)
    except PneumofedError as error:
        return rejected(task.study.row, error.code, str(error))
    except OSError as error:
        if error.errno in DISK_FULL:
            raise
        return rejected(task.study.row, *_unexpected(error))
    except Exception as error:  # of code that meets input nobody thought of: the other studies go on
        return rejected(task.study.row, *_unexpected(error))


def _unexpected(error: Exception) -> tuple[str, str]:
    reason = f"preparing this study failed ({type(error).__name__}); set it aside and report this"
    return "unexpected-fault", reason


def _prepare(task: StudyTask, store: LobeStore) -> Outcome:
    row, selection = task.study.row, select_series(task.study.folder)
    problems = tuple(Rejection(row, code, reason) for code, reason in selection.problems)
    if selection.series is None:
        return Outcome(row, "rejected", problems=problems)
    choice = None if selection.choice is None else Choice(row, selection.choice)
    try:
        state, record = _stored(task, selection.series, store)
    except PneumofedError as error:
        return rejected(row, error.code, str(error), *problems)
    return Outcome(row, state, record.key, choice=choice)


def _stored(
    task: StudyTask, series: CtSeries, store: LobeStore
) -> tuple[Literal["added", "present"], ScanRecord]:
    """Whether the scan was added or present, and its record. Raises `study-exists` for a duplicate."""
    names, source = store.pseudonyms, source_of(task.study, store)
    # UIDs that de-identification gave to several scans need the folder to tell them apart.
    keys = [names.key(series.series_uid, patient) for patient in (series.patient_id, f"\0{source}")]
    for key in keys:
        if store.has(key) and store.scan(key).source == source:
            return "present", _updated(task, series, store, key, source)
    scan = prepare_series(series, store.settings)
    pixels, key = names.pixels(scan.digest), keys[0]
    if store.has(key):
        known = store.scan(key)
        if known.pixels == pixels or _has_lobes_of(scan, known, store):
            if known.source in task.sources:
                reason = "the same scan is in the store from another study folder"
                raise PneumofedError("study-exists", reason)
            return "present", _updated(task, series, store, key, source)  # its folder was renamed
        key = keys[1]
    patient = task.patient or Patient(series.patient_id)
    record = scan.record(key=key, fold=names.fold(patient.identity), label=task.study.label, source=source,
                         pixels=pixels, flag=patient.flag)  # fmt: skip
    record = replace(record, manufacturer=series.manufacturer, thickness_mm=series.thickness_mm)
    return "added", _added(record, scan, store, keys[1])


def _added(record: ScanRecord, scan: PreparedScan, store: LobeStore, other_key: str) -> ScanRecord:
    """Add a scan; under `other_key` if another scan with its UIDs was added meanwhile."""
    try:
        store.add(record, scan.arrays)
    except PneumofedError as error:
        if error.code != "study-exists" or _has_lobes_of(scan, store.scan(record.key), store):
            raise
        record = replace(record, key=other_key)
        store.add(record, scan.arrays)
    write_sheet(store.path, record.key, scan)  # after it: of two studies with one scan, only the stored one's
    return record


def _has_lobes_of(scan: PreparedScan, known: ScanRecord, store: LobeStore) -> bool:
    """Whether half of the lobes are those of a stored scan: the same one, perhaps with slices missing."""
    masks = store.read(known.key, range(len(known.side))).mask
    stored = {(tuple(box), mask.tobytes()) for box, mask in zip(known.box.tolist(), masks, strict=True)}
    own = {(tuple(lobe.box), mask.tobytes()) for lobe, mask in zip(scan.lobes, scan.arrays.mask, strict=True)}
    return 2 * len(stored & own) >= min(len(stored), len(own))


def _updated(task: StudyTask, series: CtSeries, store: LobeStore, key: str, source: str) -> ScanRecord:
    """The record of a scan that an earlier run prepared, with the label, folder and header of now, and its
    sheet."""
    known = store.scan(key)
    header = {"manufacturer": series.manufacturer, "thickness_mm": series.thickness_mm}
    now = {"label": task.study.label, "source": source, **header}
    if any(getattr(known, name) != value for name, value in now.items()):
        store.update(ScanRecord.from_json({**known.to_json(), **now}))
    if read_doubts(store.path, key) is None:  # killed before the sheet was written
        write_sheet(store.path, key, find_scan_lobes(series, store.settings))
    return known
