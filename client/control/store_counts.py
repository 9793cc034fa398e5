"""Counts of a hospital's scans for its page, none of them below the floor; made in a process of its own."""

import csv
from collections import Counter
from pathlib import Path

from client.control.documents import ScanCounts
from client.error_redaction import code_of
from client.trainer.store_patients import patients_by_class
from client.trainer.told_counts import told
from preprocessing.review.scan_doubts import KINDS
from preprocessing.review.sheet_files import read_doubts
from preprocessing.store.lobe_store import LobeStore
from shared_model.errors import PneumofedError
from shared_model.protocol import is_code


def store_counts(store: Path, floor: int) -> ScanCounts:
    """Patients by class, scans by kind of doubt, refused studies of the last `prepare` by code."""
    try:
        scans = LobeStore.open(store).scans()
    except (PneumofedError, OSError) as error:
        return ScanCounts(patients={}, doubtful={}, refused={}, problem=code_of(error))
    kinds: Counter[str] = Counter()
    for scan in scans:
        doubts = read_doubts(store, scan.key)
        kinds.update(() if doubts is None else doubts.kinds)
    refused = {code: told(count, floor) for code, count in _refused(store / "rejected.csv").items()}
    return ScanCounts(
        patients=patients_by_class(scans, floor),
        doubtful={kind: told(kinds[kind], floor) for kind in KINDS},
        refused=refused,
        problem=None,
    )


def _refused(path: Path) -> dict[str, int]:
    """How many rows of labels.csv each code refused; a row may have several codes, each counts it once."""
    try:
        with path.open(newline="") as file:
            rows = {(row.get("labels_row"), row.get("code") or "") for row in csv.DictReader(file)}
    except (OSError, ValueError, csv.Error):
        return {}
    return dict(sorted(Counter(code for _, code in rows if is_code(code)).items()))
