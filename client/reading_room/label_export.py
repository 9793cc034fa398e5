"""Readings as files: labels for the next study, and the log of all readings.

A scan's label is what more than half of its blinded readers said before they saw the model. A scan without
such a majority has none, and none is taken from readings after the model was shown: labels that follow the
model would teach the next one its errors. See decision 0182.
"""

import csv
import io
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from client.reading_room.reading_log import Reading
from shared_model.constants import Label

LOG_COLUMNS = (
    "reader", "study", "model", "weights_sha256", "blinded", "answer", "confidence", "seconds",
    "model_answer", "agrees", "comment", "remark", "answered", "agreed",
)  # fmt: skip
_FORMULA = re.compile(r"(^|[;\t\r\n])(\s*)(?=[=+\-@\t\r＝＋－＠])")
"""Stands before what a spreadsheet would compute, also one that divides rows by semicolons."""


@dataclass(frozen=True)
class StudyLabels:
    """labels: by study. undecided: studies whose readers have no majority."""

    labels: dict[str, Label]
    undecided: tuple[str, ...]


def study_labels(readings: Iterable[Reading], studies: Collection[str]) -> StudyLabels:
    """The labels of those of `studies` that somebody has read blinded, sorted by name."""
    said: dict[str, Counter[Label]] = defaultdict(Counter)
    for reading in readings:
        if reading.blinded and reading.study in studies:
            said[reading.study][reading.label] += 1
    most = {study: counts.most_common(1)[0] for study, counts in sorted(said.items())}
    labels = {study: label for study, (label, count) in most.items() if 2 * count > said[study].total()}
    return StudyLabels(labels, tuple(study for study in most if study not in labels))


def labels_csv(labels: StudyLabels) -> bytes:
    """As `hospital prepare INBOX --labels` reads them."""
    return _csv(("study", "label"), labels.labels.items())


def readings_csv(readings: Iterable[Reading]) -> bytes:
    """A row for each reading; what was not said is empty, times are UTC."""
    return _csv(LOG_COLUMNS, (_log_row(one) for one in readings))


def _log_row(one: Reading) -> tuple[object, ...]:
    agrees = "" if one.agrees is None else _yes(one.agrees)
    return (
        one.reader, one.study, _as_text(one.model), one.weights_sha256, _yes(one.blinded), one.label,
        one.confidence, one.seconds, one.model_label, agrees, _as_text(one.comment), _as_text(one.remark),
        one.answered, one.agreed or "",
    )  # fmt: skip


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _as_text(text: str) -> str:
    return _FORMULA.sub(r"\1'\2", text)


def _csv(columns: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue().encode("utf-8", "backslashreplace")
