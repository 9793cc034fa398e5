"""Traffic lights: preflight's rows, and what trainer, coordinator and audit log make of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from client.control.documents import Connection, Overview
from deploy.pages.hospital.times import clock_of

Mark = Literal["good", "wait", "bad", "idle"]

_MARKS: Mapping[str, Mark] = {"ok": "good", "warn": "wait", "fail": "bad"}
_WAY = "`pneumofed hospital preflight`, as root, tells what part of the way fails"


@dataclass(frozen=True)
class Light:
    """what: of which part; found and remedy: in words, the remedy empty if nothing is wrong."""

    what: str
    mark: Mark
    found: str
    remedy: str = ""

    @property
    def word(self) -> str:
        """What the mark says, in a word."""
        return {"good": "ok", "wait": "look", "bad": "not ok", "idle": "not known"}[self.mark]


def lights_of(overview: Overview) -> list[Light]:
    """Those of the hospital's parts first, then the rows of preflight, worst first among these."""
    rows = [] if overview.look is None else overview.look.checks
    found = [Light(row.check, _MARKS[row.state], row.found, row.remedy) for row in rows]
    order = ("bad", "wait", "good")
    return [
        Light("trainer", "good", "it answers"),
        _coordinator(overview.connection),
        _audit(overview),
        *sorted(found, key=lambda light: order.index(light.mark)),
    ]


def _coordinator(connection: Connection) -> Light:
    since = "" if connection.since is None else f" since {clock_of(connection.since)}"
    match connection.state:
        case "connected":
            return Light("coordinator", "good", f"connected{since}: it takes this hospital's key")
        case "refused":
            return Light(
                "coordinator", "bad", f"it does not take this hospital's key{since}", "ask it for a new kit"
            )
        case "trying":
            return Light("coordinator", "bad", f"it does not answer{since}", _WAY)
        case "not-running":
            return Light(
                "coordinator",
                "bad",
                "the node does not run",
                "start `pneumofed hospital join` or its service",
            )
    if connection.last_contact is None:
        return Light("coordinator", "idle", "it has asked nothing yet", _WAY)
    found = f"it asked last at {clock_of(connection.last_contact)}, and took this hospital's key then"
    return Light("coordinator", "good", found)


def _audit(overview: Overview) -> Light:
    if overview.audit.problem is None:
        return Light("audit log", "good", f"whole: {overview.audit.lines} lines")
    remedy = "tell your data protection officer; compare it with a backup"
    return Light("audit log", "bad", "it was changed or damaged", remedy)
