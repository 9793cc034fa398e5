"""Traffic lights: one for each part and check, the worst check first."""

import pytest

from client.control.documents import AuditState, Check, Connection, Look, Machine, Overview, ScanCounts
from deploy.pages.hospital.lights import lights_of

CHECKS = tuple(
    Check(check=name, state=state, found=f"{name} found", remedy="" if state == "ok" else f"mend {name}")
    for name, state in (("disk", "ok"), ("gpu", "warn"), ("ca", "fail"))
)


def overview(
    *, state: str = "connected", contact: str | None = None, problem: str | None = None, looked: bool = True
) -> Overview:
    scans = ScanCounts(patients={}, doubtful={}, refused={}, problem=None)
    machine = Machine(load=0, cores=1, memory_free=1, memory_total=1, disk_free=1, disk_total=1, gpu=None)
    return Overview(
        name="north", role="training", count_floor=10, four_eyes=False, versions={}, settings={},
        paused=False, running=None, machine=machine,
        connection=Connection(state=state, since=None, last_contact=contact),
        looking=False, look=Look(at=0, checks=CHECKS, scans=scans) if looked else None,
        audit=AuditState(lines=7, head=None, problem=problem), left=(), studies=(), damaged=(),
    )  # fmt: skip


def test_checks_come_with_their_remedies_the_worst_first() -> None:
    found = [(one.what, one.mark, one.remedy) for one in lights_of(overview())][3:]
    assert found == [("ca", "bad", "mend ca"), ("gpu", "wait", "mend gpu"), ("disk", "good", "")]
    assert len(lights_of(overview(looked=False))) == 3


@pytest.mark.parametrize(
    ("state", "contact", "mark", "words"),
    [
        ("connected", None, "good", "takes this hospital's key"),
        ("refused", None, "bad", "does not take this hospital's key"),
        ("trying", None, "bad", "does not answer"),
        ("not-running", None, "bad", "the node does not run"),
        ("not-seen", None, "idle", "has asked nothing yet"),
        ("not-seen", "2026-01-31T12:00:00+00:00", "good", "it asked last at"),
    ],
)
def test_the_coordinators_light(state: str, contact: str | None, mark: str, words: str) -> None:
    light = lights_of(overview(state=state, contact=contact))[1]
    assert light.mark == mark and words in light.found
    assert bool(light.remedy) == (mark != "good")


def test_a_broken_audit_log_is_red() -> None:
    assert lights_of(overview())[2].mark == "good"
    light = lights_of(overview(problem="audit-damaged"))[2]
    assert light.mark == "bad" and light.remedy
