"""The rows of labels.csv, in the dialects of spreadsheets."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from preprocessing.reading.plain_names import comparable
from shared_model.errors import PneumofedError

_DELIMITERS = (",", ";", "\t", "|")
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class LabelRow:
    """One row: its line in the file, the study's name, and the label in lower case."""

    number: int
    study: str
    label: str


def read_rows(labels_csv: Path) -> list[LabelRow]:
    """The rows that are not empty. The header may be in any case and order, with other columns beside it.

    Raises PneumofedError `labels-missing` or `labels-unreadable`.
    """
    try:
        text = _text(labels_csv.read_bytes())
        first, skipped = _header(text)
        for delimiter in _DELIMITERS:
            names = [name.strip().casefold() for name in next(csv.reader([first], delimiter=delimiter), [])]
            if {"study", "label"} <= set(names):
                return _rows(text, skipped, delimiter, names)
    except FileNotFoundError:
        reason = f"{labels_csv}: no such file; name the CSV file with the columns study,label"
        raise PneumofedError("labels-missing", reason) from None
    except (OSError, UnicodeDecodeError, csv.Error):
        reason = f"{labels_csv} cannot be read; save it as comma-separated text in UTF-8"
        raise PneumofedError("labels-unreadable", reason) from None
    raise PneumofedError("labels-unreadable", f"{labels_csv} needs the columns study and label")


def _text(content: bytes) -> str:
    """The text of a file in UTF-8 or UTF-16, or in the code page that Windows uses in western Europe."""
    if content.startswith(_UTF_16):
        return content.decode("utf-16")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252")


def _header(text: str) -> tuple[str, int]:
    """The line with the columns' names, and how many are before it: Excel's `sep=;`, or blank ones."""
    for skipped, line in enumerate(text.splitlines()):
        if line.strip() and not line.strip().lower().startswith("sep="):
            return line, skipped
    return "", 0


def _rows(text: str, skipped: int, delimiter: str, names: list[str]) -> list[LabelRow]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    study, label = names.index("study"), names.index("label")
    found = []
    for cells in reader:
        if reader.line_num <= skipped + 1 or not any(cell.strip() for cell in cells):
            continue
        padded = [*cells, *[""] * len(names)]
        row = LabelRow(reader.line_num, comparable(padded[study]), padded[label].strip().casefold())
        found.append(row)
    return found
