"""What did not go smoothly is named with hospital, round and date; bytes are told in units."""

import copy
from typing import Any

import pytest

from server.report.incidents import Incident, byte_text, incidents


def test_late_failed_and_repeated_requests_are_named(document: dict[str, Any]) -> None:
    found, before = incidents(document)
    assert before == 0 and found == [
        Incident("2025-10-09 08:54", "lobes", 3, "cedar", "training: late (deadline), asked 3 times"),
        Incident("2025-10-09 08:55", "lobes", 5, "amber", "training: asked 2 times"),
        Incident("2025-10-09 09:53", "measurement", None, "birch", "failed (out-of-memory)"),
    ]


def test_old_ledgers_without_dates_and_counts_are_no_incident(document: dict[str, Any]) -> None:
    old = copy.deepcopy(document)
    old["measurement"] = {}
    for record in old["rounds"]:
        record["ended"] = None
        for reply in record["train"].values():
            reply["requests"] = None
    (late,) = incidents(old)[0]
    assert (late.when, late.what) == ("", "training: late (deadline)")


def test_of_many_the_last_are_shown(document: dict[str, Any]) -> None:
    long = copy.deepcopy(document)
    long["rounds"] = [{**long["rounds"][2], "round": number} for number in range(1, 251)]
    found, before = incidents(long)
    assert len(found) == 200 and before == 51 and found[-1].stage == "measurement" and found[-2].round == 250


@pytest.mark.parametrize(
    ("count", "words"),
    [(None, "unknown"), (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_940, "999.9 kB"),
     (999_960, "1.0 MB"), (6_100_000, "6.1 MB"), (2_500_000_000_000_000, "2500.0 TB")],
)  # fmt: skip
def test_bytes_in_words(count: int | None, words: str) -> None:
    assert byte_text(count) == words
