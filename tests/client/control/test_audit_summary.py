"""What the audit log tells of now and of what left."""

from pathlib import Path

from client.control.audit_summary import AuditReader, last_contact, left_by_day, running_task
from client.control.documents import Left
from client.records.audit import AuditLog
from client.records.chained_log import Entry
from client.trainer.approvals import StudyFile
from shared_model.study_stage import StageConfig
from tests.support.scripted_sites import named

STUDY = named("lungs", StageConfig(name="lobes", networks=("diseased",), rounds=7))


def entry(event: str, day: str = "2026-03-01", **facts: object) -> Entry:
    return Entry(1, f"{day}T10:00:00.000+00:00", event, dict(facts), "", "")


def test_bytes_are_added_by_day_and_task_the_latest_day_first() -> None:
    entries = [
        entry("returned", "2026-03-01", task="train", bytes=100),
        entry("failed", "2026-03-01", task="train", code="deadline"),
        entry("returned", "2026-03-02", task="train", bytes=7),
        entry("returned", "2026-03-01", task="train", bytes=11, again=True),
        entry("returned", "2026-03-01", task="evaluate", bytes=5),
    ]
    assert left_by_day(entries) == (
        Left(day="2026-03-02", task="train", answers=1, bytes=7),
        Left(day="2026-03-01", task="evaluate", answers=1, bytes=5),
        Left(day="2026-03-01", task="train", answers=2, bytes=111),
    )


def test_a_task_runs_from_its_row_to_its_end() -> None:
    task = entry("task", study=STUDY.fingerprint, task="train", stage=0, round=3)
    found = running_task([task, entry("refused"), entry("paused")], [StudyFile(proposal=STUDY)])
    assert found is not None
    assert (found.study, found.stage, found.round, found.rounds) == ("lungs", "lobes", 3, 7)
    assert (found.task, found.since) == ("train", task.time)
    for end in ("returned", "failed", "trainer started", "trainer stopped"):
        assert running_task([task, entry(end)], []) is None
    unknown = running_task([task], [])
    assert unknown is not None and (unknown.study, unknown.stage, unknown.rounds) == ("", None, None)
    assert running_task([], []) is None


def test_the_last_contact_is_the_last_row_that_came_through_the_node() -> None:
    assert last_contact([entry("trainer started")]) is None
    entries = [entry("proposed", "2026-03-01"), entry("task", "2026-03-02"), entry("returned", "2026-03-03")]
    assert last_contact(entries) == entries[1].time


def test_the_log_is_read_again_when_it_changed_and_only_then(tmp_path: Path) -> None:
    log = AuditLog(tmp_path)
    reader = AuditReader(log)
    assert reader.read()[1].lines == 0 and reader.read()[1].head is None
    first = log.write("paused", by="ada")
    entries, state = reader.read()
    assert entries == [first] and (state.lines, state.head, state.problem) == (1, first.hash, None)
    assert reader.read()[0] is entries
    log.write("resumed", by="ada")
    assert reader.read()[1].lines == 2
    log.path.write_bytes(log.path.read_bytes().replace(b"ada", b"eve"))
    entries, state = reader.read()
    assert entries == [] and state.problem == "audit-damaged"
