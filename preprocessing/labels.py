"""Reads labels.csv, the label of each study folder, and checks that rows and folders agree."""

import csv
from dataclasses import dataclass
from pathlib import Path

from shared_model.constants import LABELS
from shared_model.errors import PneumofedError


@dataclass(frozen=True)
class LabelledStudy:
    """A study's folder and label; `row` is its line in labels.csv, which identifies it in reports."""

    folder: Path
    label: str
    row: int


def read_labels(folder: Path, labels_csv: Path) -> list[LabelledStudy]:
    """Studies in `folder` with their labels, in the order of labels.csv (columns `study,label`).

    `study` is the name of a folder inside `folder`; if `folder` holds no folders, it is one study of its own
    name. Raises PneumofedError `folder-empty`, `labels-unreadable`, `labels-missing`,
    `labels-repeated` or `label-unknown`.
    """
    folders = _study_folders(folder)
    rows = _rows(labels_csv)
    names = {name for _, name, _ in rows}
    unlabelled = sorted(set(folders) - names)
    if unlabelled:
        reason = f"{len(unlabelled)} of {len(folders)} study folders have no row in labels.csv; add them"
        raise PneumofedError("labels-missing", reason)
    for row, name, label in rows:
        if name not in folders:
            reason = f"row {row} of labels.csv names a study without a folder; remove it or add the folder"
            raise PneumofedError("labels-missing", reason)
        if label not in LABELS:
            reason = f"row {row} of labels.csv has an unknown label; use one of {', '.join(LABELS)}"
            raise PneumofedError("label-unknown", reason)
    if len(names) < len(rows):
        raise PneumofedError("labels-repeated", "labels.csv names a study more than once; keep one row each")
    return [LabelledStudy(folders[name], label, row) for row, name, label in rows]


def _study_folders(folder: Path) -> dict[str, Path]:
    entries = sorted(folder.iterdir()) if folder.is_dir() else []
    folders = {entry.name: entry for entry in entries if entry.is_dir()}
    if not entries:
        reason = "the folder of studies is empty or missing; name the folder that holds one folder per study"
        raise PneumofedError("folder-empty", reason)
    return folders or {folder.resolve().name: folder}


def _rows(labels_csv: Path) -> list[tuple[int, str, str]]:
    """(line number, study, label) of each row."""
    try:
        with labels_csv.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            names = reader.fieldnames or []
            if not {"study", "label"} <= set(names):
                raise PneumofedError("labels-unreadable", "labels.csv needs the columns study and label")
            return [(reader.line_num, (r["study"] or "").strip(), (r["label"] or "").strip()) for r in reader]
    except FileNotFoundError:
        reason = "labels.csv is not there; write it with the columns study,label"
        raise PneumofedError("labels-missing", reason) from None
    except (OSError, UnicodeDecodeError, csv.Error):
        reason = "labels.csv cannot be read; save it as comma-separated text in UTF-8"
        raise PneumofedError("labels-unreadable", reason) from None
