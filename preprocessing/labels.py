"""The label of each study folder: rows of labels.csv matched with the folders of a hospital's studies."""

import os
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

from preprocessing.label_rows import LabelRow, read_rows
from preprocessing.reading.plain_names import comparable, printable
from preprocessing.reading.study_folders import study_folders
from shared_model.constants import LABELS
from shared_model.errors import PneumofedError

_NAMED = 5  # folders that a message names
_ARCHIVES = (".zip", ".tar", ".tgz", ".gz", ".7z", ".rar")


@dataclass(frozen=True)
class LabelledStudy:
    """A study's folder and label; `row` is its line in labels.csv, which identifies it in reports."""

    folder: Path
    label: str
    row: int


def read_labels(folder: Path, labels_csv: Path) -> list[LabelledStudy]:
    """Studies in `folder` with their labels, in the order of labels.csv (columns `study,label`).

    `study` is the name of a folder inside `folder`; if `folder` holds no folders, it is one study of its own
    name. Folders without a row are left out, see unlabelled_folders. Raises PneumofedError `folder-empty`,
    `labels-unreadable`, `labels-missing`, `labels-repeated` or `label-unknown`; messages name rows and
    folders and stay in the hospital.
    """
    folders, rows = _study_folders(folder), read_rows(labels_csv)
    matched = _matched(folders, rows)
    without = [row for row in rows if row.number not in matched]
    if without:
        raise PneumofedError("labels-missing", _why_missing(folder, folders, without, len(rows)))
    if not rows:
        raise PneumofedError("labels-missing", _no_rows(folders))
    for row in rows:
        if row.label not in LABELS:
            reason = f"row {row.number} of labels.csv has an unknown label; use one of {', '.join(LABELS)}"
            raise PneumofedError("label-unknown", reason)
    for path, count in Counter(matched.values()).items():
        if count > 1:
            twice = ", ".join(str(number) for number, one in matched.items() if one == path)
            reason = f"labels.csv names a study more than once (rows {twice}); keep one row each"
            raise PneumofedError("labels-repeated", reason)
    return [LabelledStudy(matched[row.number], row.label, row.number) for row in rows]


def unlabelled_folders(folder: Path, studies: list[LabelledStudy]) -> tuple[str, ...]:
    """Names of the study folders in `folder` that are none of `studies`, as a terminal can show them."""
    known = {study.folder for study in studies}
    return tuple(printable(name) for name, path in _study_folders(folder).items() if path not in known)


def _study_folders(folder: Path) -> dict[str, Path]:
    if not folder.is_dir() or not any(folder.iterdir()):
        what = "is empty" if folder.is_dir() else "no such folder"
        raise PneumofedError(
            "folder-empty", f"{folder}: {what}; name the folder that holds one folder per study"
        )
    return study_folders(folder) or {folder.resolve().name: folder}


def _matched(folders: dict[str, Path], rows: list[LabelRow]) -> dict[int, Path]:
    """The folder of each row's number: of the same name, or of the only name that differs in how a computer
    writes it (decomposed letters, spaces at the ends, leading zeros that a spreadsheet drops).
    """
    by_name: dict[str, list[Path]] = defaultdict(list)
    by_number: dict[str, list[Path]] = defaultdict(list)
    for name, path in folders.items():
        by_name[comparable(name)].append(path)
        by_number[_number(name)].append(path)
    found = {}
    for row in rows:
        alike = by_name[comparable(row.study)] or by_number[_number(row.study)]
        exact = folders.get(row.study)
        if exact is not None or len(alike) == 1:
            found[row.number] = alike[0] if exact is None else exact
    return found


def _number(name: str) -> str:
    """`name` without leading zeros if it is a number."""
    name = comparable(name)
    return name.lstrip("0") or "0" if name.isdecimal() else name


def _why_missing(folder: Path, folders: dict[str, Path], without: list[LabelRow], rows: int) -> str:
    """What to do about rows without a folder."""
    first = without[0]
    named = ", ".join(f"{row.number} ({printable(row.study)})" for row in without[:_NAMED])
    for name, path in folders.items():
        inside = {comparable(entry) for entry in _names_in(path)}
        if all(comparable(row.study) in inside for row in without):
            return (
                f"the folders that labels.csv names are inside {printable(name)}; name {printable(str(path))}"
            )
    if any(_is_archive_of(first.study, entry) for entry in _names_in(folder)):
        return f"row {first.number} of labels.csv names a study that is an archive; unpack it into a folder"
    text = f"{len(without)} of {rows} rows of labels.csv name a study without a folder: row {named}"
    text += "" if len(without) <= _NAMED else ", ..."
    spare = [printable(name) for name in folders if comparable(name) not in {row.study for row in without}]
    return f"{text}; remove them, or add or rename the folders (there are {_some(spare)})"


def _no_rows(folders: dict[str, Path]) -> str:
    return f"labels.csv has no rows; add one for each study folder ({_some(list(map(printable, folders)))})"


def _some(names: list[str]) -> str:
    return ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "") or "none"


def _names_in(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _is_archive_of(study: str, name: str) -> bool:
    name, study = comparable(name).lower(), comparable(study).lower()
    return name.endswith(_ARCHIVES) and (name == study or name.startswith(study + "."))
