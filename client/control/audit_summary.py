"""What the audit log tells of now and of what left: the task that runs, the last contact, bytes by day."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from client.control.documents import MOST_DAYS, AuditState, Left, Running
from client.records.audit import AuditLog
from client.records.chained_log import Entry
from client.trainer.approvals import StudyFile
from client.trainer.asked_tasks import ASKED
from client.trainer.study_decisions import PROPOSED
from shared_model.errors import PneumofedError

RETURNED, REFUSED = "returned", "refused"
_ENDS = (RETURNED, "failed", "trainer started", "trainer stopped")
_FROM_THE_NODE = (ASKED, PROPOSED, REFUSED)


@dataclass
class AuditReader:
    """The log's lines, verified whenever its files have changed."""

    log: AuditLog
    _seen: object = None
    _entries: list[Entry] = field(default_factory=list)
    _problem: str | None = None

    def read(self) -> tuple[list[Entry], AuditState]:
        """All lines, none of them if the chain is broken, and whether it is whole."""
        now = [(path.stat().st_mtime_ns, path.stat().st_size) for path in self._files() if path.exists()]
        if now != self._seen:
            self._seen = now
            try:
                self._entries, self._problem = self.log.entries(), None
            except PneumofedError as error:
                self._entries, self._problem = [], error.code
        head = self._entries[-1].hash if self._entries else None
        return self._entries, AuditState(lines=len(self._entries), head=head, problem=self._problem)

    def _files(self) -> tuple[Path, Path]:
        return self.log.path, self.log.head_path


def left_by_day(entries: Sequence[Entry]) -> tuple[Left, ...]:
    """Answers and bytes by day (UTC) and task, the latest day first; of the last MOST_DAYS days."""
    found: dict[tuple[str, str], list[int]] = defaultdict(list)
    for entry in entries:
        if entry.event == RETURNED:
            found[entry.time[:10], str(entry.facts["task"])].append(int(entry.facts["bytes"]))
    days = sorted({day for day, _ in found}, reverse=True)[:MOST_DAYS]
    return tuple(
        Left(day=day, task=task, answers=len(sizes), bytes=sum(sizes))
        for day in days
        for (other, task), sizes in sorted(found.items())
        if other == day
    )


def running_task(entries: Sequence[Entry], studies: Sequence[StudyFile]) -> Running | None:
    """The task that was begun and has not ended; None if none has."""
    last = next((entry for entry in reversed(entries) if entry.event in (ASKED, *_ENDS)), None)
    if last is None or last.event != ASKED:
        return None
    fingerprint, stage = last.facts["study"], last.facts.get("stage")
    study = next((s.proposal.study for s in studies if s.proposal.fingerprint == fingerprint), None)
    found = study.stages[stage] if study is not None and stage is not None else None
    return Running(
        task=last.facts["task"],
        study="" if study is None else study.name,
        fingerprint=fingerprint,
        stage=None if found is None else found.name,
        round=last.facts.get("round"),
        rounds=None if found is None else found.rounds,
        since=last.time,
    )


def last_contact(entries: Sequence[Entry]) -> str | None:
    """When the last request came through the node that the log has; None if it has none."""
    return next((entry.time for entry in reversed(entries) if entry.event in _FROM_THE_NODE), None)
