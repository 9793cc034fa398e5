"""What did not go smoothly is named with hospital, round and date."""

import copy
from typing import Any

from server.report.incidents import Incident, incidents


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
