"""What is exported is what `prepare` and a spreadsheet read."""

import csv
from pathlib import Path

import pytest

from client.reading_room.label_export import LOG_COLUMNS, labels_csv, readings_csv, study_labels
from preprocessing.labels import read_labels
from shared_model.constants import LABELS
from tests.support.reading_room import WrittenRoom, reading_of


def test_a_label_is_what_more_than_half_of_the_readers_said() -> None:
    readings = [
        reading_of("ada", "one", "other"),
        reading_of("ada", "tie", "other"),
        reading_of("bob", "tie", "covid"),
        *(reading_of(reader, "most", "healthy") for reader in ("ada", "bob")),
        reading_of("eve", "most", "covid"),
        *(reading_of(reader, "all differ", label) for reader, label in zip("abc", LABELS, strict=True)),
        reading_of("ada", "seen", "covid", blinded=False),
        reading_of("ada", "gone", "covid"),
        reading_of("bob", "one", "covid", blinded=False),
        reading_of("bob", "one", "covid", blinded=False, made_of="f w2 c"),
    ]
    found = study_labels(readings, {"one", "tie", "most", "all differ", "seen"})
    assert found.labels == {"one": "other", "most": "healthy"}
    assert found.undecided == ("all differ", "tie")


def test_prepare_reads_the_labels_of_an_inbox(tmp_path: Path) -> None:
    written = WrittenRoom(tmp_path)
    names = [written.arrive(number) for number in range(1, 5)]
    labels = dict(zip(names, ("healthy", "covid", "other"), strict=False))
    readings = [reading_of("ada", name, label) for name, label in labels.items()]
    (tmp_path / "labels.csv").write_bytes(labels_csv(study_labels(readings, names)))
    found = read_labels(written.settings.inbox, tmp_path / "labels.csv")
    assert {one.folder: one.label for one in found} == {
        written.settings.inbox / name: label for name, label in labels.items()
    }


def test_the_log_has_every_reading_as_it_was() -> None:
    comment = 'ground glass, "crazy paving"\nboth sides; ä'
    readings = [
        reading_of("ada", "a", comment=comment, agrees=False, remark="=1+1", agreed="later"),
        reading_of("bob", "a", "other", blinded=False, confidence=1),
    ]
    first, second = csv.DictReader(readings_csv(readings).decode().splitlines(keepends=True))
    assert tuple(first) == LOG_COLUMNS
    assert first == {
        "reader": "ada", "study": "a", "model": "tiny", "weights_sha256": "w", "blinded": "yes",
        "answer": "covid", "confidence": "4", "seconds": "42.3", "model_answer": "covid", "agrees": "no",
        "comment": comment,
        "remark": "'=1+1", "answered": "2026-09-21T14:14:02+00:00", "agreed": "later",
    }  # fmt: skip
    assert (second["blinded"], second["agrees"], second["agreed"]) == ("no", "", "")


@pytest.mark.parametrize(
    "formula", ["=1+1", "+1", "-1", "@SUM(A1)", " =1+1", "＝1+1", "seen;=1+1;", "seen\n=1+1", "seen;\t@x"]
)
def test_nothing_that_people_or_a_model_say_is_computed(formula: str) -> None:
    reading = reading_of("ada", "a", comment=formula, remark=formula, model=formula)
    text = readings_csv([reading]).decode()
    for delimiter in ",;":  # as spreadsheets of different countries divide a row
        rows = csv.reader(text.splitlines(keepends=True), delimiter=delimiter)
        cells = [cell for row in rows for cell in row]
        assert not [cell for cell in cells if cell.strip().startswith(tuple("=+-@＝＋－＠"))], delimiter


def test_plain_words_stay_as_they_are() -> None:
    comment = "right; left - both\nSARS-CoV-2 = likely"
    (row,) = csv.DictReader(readings_csv([reading_of("ada", "a", comment=comment)]).decode().splitlines(True))
    assert row["comment"] == comment
