"""Answers are kept once, with what the reader could have seen before."""

import threading
from pathlib import Path

import pytest

from client.reading_room import reading_log
from client.reading_room.database import Database
from client.reading_room.model_verdict import ModelVerdict
from client.reading_room.reading_log import LONGEST_COMMENT, Answer, ReadingLog
from shared_model.errors import PneumofedError
from tests.support.reading_room import verdict_of


@pytest.fixture
def log(tmp_path: Path) -> ReadingLog:
    return ReadingLog(Database(tmp_path))


VERDICT, OTHER_MODEL = verdict_of("covid"), verdict_of("healthy", made_of="f w2 c2", weights_sha256="w2")


def answered(log: ReadingLog, reader: str = "ada", verdict: ModelVerdict = VERDICT, study: str = "s") -> bool:
    """Whether the reading counts as blinded."""
    log.answer(reader, study, verdict, Answer("other", 4, "why"), blinded=True)
    reading = log.find(reader, study, verdict.made_of)
    assert reading is not None
    return reading.blinded


def refused(action: object, *values: object, **named: object) -> str:
    with pytest.raises(PneumofedError) as refusal:
        action(*values, **named)  # type: ignore[operator]
    return refusal.value.code


def test_an_answer_is_kept_with_the_model_it_is_compared_with(
    log: ReadingLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1_790_000_000.0]
    monkeypatch.setattr(reading_log.time, "time", lambda: now[0])
    log.open("ada", "s", VERDICT.made_of)
    now[0] += 30
    log.open("ada", "s", VERDICT.made_of)  # opened again: the time runs from the first
    now[0] += 12.34
    assert answered(log)
    reading = log.find("ada", "s", VERDICT.made_of)
    assert reading is not None
    assert (reading.seconds, reading.answered) == (42.3, "2026-09-21T14:14:02+00:00")
    assert (reading.label, reading.confidence, reading.comment) == ("other", 4, "why")
    assert (reading.model, reading.weights_sha256, reading.model_label) == ("tiny", "w", "covid")
    assert reading.agrees is None
    log.agree("ada", "s", VERDICT.made_of, agrees=False, remark="no ground glass")
    reading = log.find("ada", "s", VERDICT.made_of)
    assert reading is not None and (reading.agrees, reading.remark) == (False, "no ground glass")


def test_the_first_answer_counts(log: ReadingLog) -> None:
    made_of = VERDICT.made_of
    assert refused(log.agree, "ada", "s", made_of, agrees=True, remark="") == "not-answered"
    answered(log)
    second = Answer("healthy", 1)
    assert refused(log.answer, "ada", "s", VERDICT, second, blinded=True) == "already-answered"
    log.agree("ada", "s", made_of, agrees=True, remark="")
    assert refused(log.agree, "ada", "s", made_of, agrees=False, remark="") == "already-answered"
    (reading,) = log.all()
    assert (reading.label, reading.agrees) == ("other", True)


def test_two_readers_answer_for_themselves_and_at_once(log: ReadingLog) -> None:
    codes: list[str] = []

    def answer(reader: str) -> None:
        try:
            answered(log, reader)
        except PneumofedError as error:
            codes.append(error.code)

    threads = [threading.Thread(target=answer, args=(reader,)) for reader in ("ada", "bob") * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.reader for one in log.all()) == ["ada", "bob"]
    assert codes == ["already-answered"] * 6


def test_another_model_is_a_reading_of_its_own_that_is_not_blinded(log: ReadingLog) -> None:
    assert answered(log)
    assert not answered(log, verdict=OTHER_MODEL)  # the first one was shown after the first answer
    assert [one.weights_sha256 for one in log.all()] == ["w", "w2"]
    assert answered(log, "bob", OTHER_MODEL)
    assert answered(log, study="s2")


def test_what_was_shown_to_all_is_not_blinded_for_anybody(log: ReadingLog) -> None:
    log.show_to_all({"s"})
    assert not answered(log) and not answered(log, "bob")
    assert answered(log, study="s2")


def test_a_room_that_is_not_blinded_has_no_blinded_readings(log: ReadingLog) -> None:
    log.answer("ada", "s", VERDICT, Answer("other", 4), blinded=False)
    assert not log.all()[0].blinded


@pytest.mark.parametrize(
    ("label", "confidence", "comment", "code"),
    [
        ("", 3, "", "answer-invalid"),
        ("COVID", 3, "", "answer-invalid"),
        ("covid", 0, "", "answer-invalid"),
        ("covid", 6, "", "answer-invalid"),
        ("covid", 3, "x" * (LONGEST_COMMENT + 1), "comment-too-long"),
    ],
)
def test_what_is_no_answer(label: str, confidence: int, comment: str, code: str) -> None:
    assert refused(Answer, label, confidence, comment) == code


def test_the_count_tells_both_steps(log: ReadingLog) -> None:
    assert log.count("ada") == (0, 0)
    answered(log)
    answered(log, "bob")
    assert log.count("ada") == (1, 0)
    log.agree("ada", "s", VERDICT.made_of, agrees=True, remark="")
    assert log.count("ada") == (1, 1) and log.of_reader("ada").keys() == {("s", VERDICT.made_of)}
