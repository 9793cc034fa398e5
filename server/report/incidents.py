"""What did not go smoothly: replies that did not come or not count, and requests that were sent again."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Document = Mapping[str, Any]

_PHASES = {"train": "training", "validate": "validation"}
_MOST = 200


@dataclass(frozen=True)
class Incident:
    """At one hospital. when: the end of round or study, UTC, to the minute, empty if not known; round:
    None in the measurement."""

    when: str
    stage: str
    round: int | None
    hospital: str
    what: str


def incidents(document: Document) -> tuple[list[Incident], int]:
    """In order, the last 200 at most; and how many more there are before them."""
    found = list(_all(document))
    return found[-_MOST:], max(0, len(found) - _MOST)


def _all(document: Document) -> Iterator[Incident]:
    for record in document["rounds"]:
        when = _minute(record["ended"])
        for key, phase in _PHASES.items():
            for hospital, reply in record[key].items():
                if what := _told(reply):
                    yield Incident(when, record["stage"], record["round"], hospital, f"{phase}: {what}")

    for hospital, reply in document["measurement"].items():
        if what := _told(reply):
            yield Incident(_minute(document["dates"]["ended"]), "measurement", None, hospital, what)


def _minute(date: str | None) -> str:
    return "" if date is None else date[:16].replace("T", " ")


def _told(reply: Document) -> str:
    parts = []
    if reply["status"] != "returned":
        parts.append(reply["status"] + (f" ({reply['reason']})" if reply["reason"] else ""))
    if (reply["requests"] or 0) > 1:
        parts.append(f"asked {reply['requests']} times")
    return ", ".join(parts)
