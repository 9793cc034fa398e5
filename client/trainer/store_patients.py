"""How many patients of each class a hospital's store has, as it may be told of."""

from collections.abc import Sequence
from pathlib import Path

from client.trainer.told_counts import told
from preprocessing.store.lobe_store import LobeStore
from preprocessing.store.scan_record import ScanRecord
from shared_model.constants import LABELS
from shared_model.errors import PneumofedError


def patients_by_class(scans: Sequence[ScanRecord], floor: int) -> dict[str, int | None]:
    """Patients of each label, None for fewer than `floor`."""
    return {label: told(len({s.fold for s in scans if s.label == label}), floor) for label in LABELS}


def patients_of_store(path: Path, floor: int) -> dict[str, int | None] | None:
    """The same of the store at `path`; None if it cannot be read whole."""
    try:
        return patients_by_class(LobeStore.open(path).scans(), floor)
    except (PneumofedError, OSError):
        return None
