"""What the hospital's page may ask of the trainer: documents to show, and decisions of people.

An RPC that fails ends with the error's code as its details, and nothing else.
"""

import logging
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from itertools import islice
from typing import Any

import grpc
from pydantic import BaseModel, ValidationError

from client.control import documents
from client.control.audit_summary import AuditReader, last_contact, left_by_day, running_task
from client.control.data_zone_checks import named_paths
from client.control.look import Looker
from client.control.machine_load import gpu_load, machine_load
from client.control.recent_lines import RecentLines
from client.error_redaction import code_of, place_of
from client.hospital_settings import HospitalSettings
from client.node.connection import read_connection
from client.privacy.ledger import PrivacyLedger
from client.records.chained_log import Entry
from client.trainer.approvals import StudyFile
from client.trainer.study_decisions import DECISIONS, Decider, HospitalDecisions, proposed_at
from client.wire import control_pb2 as pb
from client.wire.control_pb2_grpc import ControlServicer
from shared_model.errors import PneumofedError
from shared_model.fingerprint_words import words_of
from shared_model.proposal import as_fingerprint
from shared_model.versions import KIT, TRAINER, package_version

log = logging.getLogger("pneumofed.trainer")

GPU_EVERY_S = 10.0


class ControlService(ControlServicer):
    """Answers for one hospital; `lines` are the trainer's."""

    def __init__(self, hospital: HospitalSettings, looker: Looker, lines: RecentLines) -> None:
        self._hospital, self._looker, self._lines = hospital, looker, lines
        self._decisions = HospitalDecisions(hospital)
        self._audit = AuditReader(self._decisions.audit)
        self._one_at_a_time = threading.Lock()
        self._gpu: str | None = None
        self._gpu_asked = float("-inf")

    def Overview(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """How the hospital stands."""
        with self._answering("overview", context):
            return _document(self._overview())

    def Study(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """What people read before they decide on a study."""
        with self._answering("study", context):
            return _document(self._study(self._known(request.fingerprint)))

    def Records(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """The last rows of the audit log, and lines of the trainer's log."""
        with self._answering("records", context):
            entries, _ = self._audit.read()
            rows = _rows(entries[::-1])
            lines = tuple(named_paths(line, self._hospital) for line in self._lines.latest_first())
            return _document(documents.Records(rows=rows, lines=lines))

    def Look(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Begin a look at machine and store."""
        with self._answering("look", context):
            self._looker.again()
            return pb.LookReply()

    def Decide(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Approve a study, or refuse or leave it."""
        with self._answering("decide", context), self._one_at_a_time:
            study, who = self._known(request.fingerprint), _decider(request.decider)
            if request.approve:
                proposal = self._decisions.proposed(study.proposal.fingerprint)
                return pb.DecideReply(waits_for_second=not self._decisions.approve(proposal, who))
            self._decisions.withdraw(study.proposal.fingerprint, who)
            return pb.DecideReply()

    def SetPaused(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Pause all tasks, or go on."""
        with self._answering("pause", context), self._one_at_a_time:
            who = _decider(request.decider)
            (self._decisions.pause if request.paused else self._decisions.resume)(who)
            return pb.SetPausedReply()

    @contextmanager
    def _answering(self, what: str, context: grpc.ServicerContext) -> Iterator[None]:
        """Ends the RPC with a code if something fails; the exception's text stays here."""
        try:
            yield
        except Exception as error:
            log.error("the page's request %s ended: %s (%s)", what, code_of(error), place_of(error))
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, code_of(error))

    def _overview(self) -> documents.Overview:
        hospital = self._hospital
        entries, audit = self._audit.read()
        studies, (look, looking) = self._decisions.approvals.all(), self._looker.latest()
        return documents.Overview(
            name=hospital.name,
            role=hospital.role,
            count_floor=hospital.limits.count_floor,
            four_eyes=hospital.approval.four_eyes,
            versions={TRAINER: package_version(), KIT: str(hospital.kit)},
            settings=_settings(hospital),
            paused=self._decisions.approvals.paused,
            running=running_task(entries, studies),
            connection=self._connection(last_contact(entries)),
            machine=machine_load(hospital.state, self._gpu_now()),
            looking=looking,
            look=look,
            audit=audit,
            left=left_by_day(entries),
            studies=tuple(self._row(study, entries) for study in studies),
            damaged=tuple(self._decisions.approvals.damaged()),
        )

    def _row(self, study: StudyFile, entries: Sequence[Entry]) -> documents.Study:
        fingerprint = study.proposal.fingerprint
        return documents.Study(
            fingerprint=fingerprint,
            name=study.proposal.study.name,
            decision=study.decision,
            approved_at=study.approved_at,
            agreed_by=self._decisions.agreed_by(entries, fingerprint),
        )

    def _study(self, study: StudyFile) -> documents.StudyDocument:
        proposal, (look, _) = study.proposal, self._looker.latest()
        patients = None if look is None or look.scans.problem else look.scans.patients
        privacy, (entries, _) = proposal.study.privacy, self._audit.read()
        decided = (entry for entry in entries[::-1] if entry.event in DECISIONS)
        return documents.StudyDocument(
            study=self._row(study, entries),
            decisions=_rows(e for e in decided if e.facts.get("study") == proposal.fingerprint),
            words=words_of(proposal.fingerprint),
            proposed=proposed_at(entries, proposal.fingerprint),
            asked_by=self._hospital.coordinator.address,
            sections=tuple(
                documents.Section.model_validate(asdict(section))
                for section in self._decisions.sections(proposal, patients)
            ),
            privacy=None
            if privacy is None
            else documents.Privacy(
                epsilon=privacy.epsilon,
                delta=privacy.delta,
                spent=PrivacyLedger(self._hospital.state).epsilon(),
            ),
        )

    def _known(self, fingerprint: str) -> StudyFile:
        """Raises PneumofedError `study-unknown`."""
        for study in self._decisions.approvals.all():
            if study.proposal.fingerprint == as_fingerprint(fingerprint):
                return study
        raise PneumofedError("study-unknown", "no study of this fingerprint; see `hospital studies`")

    def _connection(self, contact: str | None) -> documents.Connection:
        """The node's state where its folder can be seen: not if node and trainer are two users."""
        try:
            found = read_connection(self._hospital.node)
        except OSError:
            return documents.Connection(state="not-seen", since=None, last_contact=contact)
        if found is None:
            state = "not-running" if self._hospital.node.is_dir() else "not-seen"
            return documents.Connection(state=state, since=None, last_contact=contact)
        return documents.Connection(state=found.state, since=found.since, last_contact=contact)

    def _gpu_now(self) -> str | None:
        if time.monotonic() - self._gpu_asked > GPU_EVERY_S:
            self._gpu, self._gpu_asked = gpu_load(self._hospital.device), time.monotonic()
        return self._gpu


def _rows(entries: Iterable[Entry]) -> tuple[documents.Row, ...]:
    """The first MOST_ROWS of the lines."""
    return tuple(
        documents.Row(number=entry.number, time=entry.time, event=entry.event, facts=entry.facts)
        for entry in islice(entries, documents.MOST_ROWS)
    )


def _document(model: BaseModel) -> Any:
    return pb.Document(json=model.model_dump_json())


def _decider(asked: Any) -> Decider:
    """Raises PneumofedError `decision-invalid`."""
    try:
        person = documents.Person(name=asked.name, reason=asked.reason)
    except ValidationError:
        raise PneumofedError(
            "decision-invalid",
            "a decision needs a name and a reason, of at most 80 and 500 characters",
        ) from None
    return Decider(person.name, person.reason)


def _settings(hospital: HospitalSettings) -> dict[str, str]:
    """What hospital.toml says, without paths, users and keys."""
    limits = hospital.limits
    return {
        "role": hospital.role,
        "device": hospital.device,
        "coordinator": hospital.coordinator.address,
        "count_floor": str(limits.count_floor),
        "task_minutes": f"{limits.task_minutes:g}",
        "threads": "all cores" if limits.threads is None else str(limits.threads),
        "four_eyes": "yes" if hospital.approval.four_eyes else "no",
        "two users": "no" if hospital.users is None else "yes",
        "signed release": "no" if hospital.release is None else "yes",
    }
