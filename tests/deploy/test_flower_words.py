"""Flower's log lines become pneumofed's: known ones in words, the rest only if they warn."""

import logging

import pytest

from deploy.flower_words import COORDINATOR, EXECUTOR, HOSPITAL, FlowerWords


def heard(words: FlowerWords, *lines: tuple[int, str]) -> list[str]:
    """What is left of lines that Flower logs, level and text."""
    records = [logging.LogRecord("flwr", level, "", 0, text, (), None) for level, text in lines]
    return [record.getMessage() for record in records if words.filter(record)]


def test_a_lost_coordinator_is_told_once_and_its_return_too():
    lost = (logging.WARNING, "Connection attempt failed, retrying in 0.96 seconds")
    found = (logging.INFO, "Connection successful after 14.68 seconds and 6 tries.")
    assert heard(FlowerWords(HOSPITAL), lost, lost, lost, found, lost) == [
        "the coordinator does not answer; trying again until it does",
        "connected to the coordinator",
        "the coordinator does not answer; trying again until it does",
    ]
    assert heard(FlowerWords(EXECUTOR), lost, lost) == []  # that is not the coordinator


REFUSED = """Exit Code: 305
Failed to initialize the connection to the SuperLink.
[code: 2004] Failed to activate SuperNode.
The SuperNode could not establish a connection to the SuperLink.

For more information, visit: <https://flower.ai/docs/>"""
UNKNOWN_KEY = (
    "[/v1/fleet/activate-node][ApiError:2004] Attempted to register SuperNode with public key: b'-----BEGIN"
)


@pytest.mark.parametrize(
    "words, line, told",
    [
        (HOSPITAL, REFUSED, "does not take this hospital's key"),
        (HOSPITAL, REFUSED.replace("[code: 2004] Failed to activate SuperNode.\n", ""), "not be reached"),
        (COORDINATOR, UNKNOWN_KEY, "whose key is not known"),
    ],
)
def test_a_refused_key_is_told_in_words_at_both_ends(words, line, told):
    (text,) = heard(FlowerWords(words), (logging.ERROR, line))
    assert told in text and "Exit Code" not in text and "BEGIN" not in text and "http" not in text


def test_a_preflight_is_no_error_at_the_coordinator():
    assert heard(FlowerWords(COORDINATOR), (logging.ERROR, UNKNOWN_KEY.replace("2004", "2003"))) == []


def test_a_lost_coordinator_is_a_warning_whatever_flower_calls_it():
    record = logging.LogRecord("flwr", logging.DEBUG, "", 0, "Connection attempt failed, retrying", (), None)
    assert FlowerWords(HOSPITAL).filter(record) and record.levelname == "WARNING"
    record = logging.LogRecord("flwr", logging.INFO, "", 0, "Connection successful", (), None)
    assert FlowerWords(HOSPITAL).filter(record) and record.levelname == "INFO"


def test_what_is_not_known_is_dropped_unless_it_warns():
    words = FlowerWords(COORDINATOR)
    assert heard(words, (logging.INFO, "[RUN 169, ROUND describe]"), (logging.DEBUG, "x")) == []
    assert heard(words, (logging.WARNING, "EXPERIMENTAL: SuperExec authentication is experimental")) == []
    assert heard(words, (logging.WARNING, "the disk smells")) == ["Flower: the disk smells"]


def test_a_traceback_is_left_out_but_for_its_type():
    try:
        raise ValueError("Doe^Jane")
    except ValueError as error:
        exc_info = (type(error), error, error.__traceback__)
    record = logging.LogRecord("flwr", logging.ERROR, "", 0, "it failed", (), exc_info)
    assert FlowerWords(HOSPITAL).filter(record)
    assert logging.Formatter().format(record) == "Flower: it failed (ValueError)"
