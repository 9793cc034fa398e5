"""The control socket of a real trainer: what it tells, what it takes, who cannot reach it."""

import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from client.control.control_client import ControlClient
from client.control.documents import Person
from client.hospital_settings import HospitalSettings
from client.node.trainer_client import TrainerClient
from client.records.audit import AuditLog
from client.trainer.approvals import Approvals
from client.trainer.proposal_summary import sections_as_text
from client.trainer.store_patients import patients_of_store
from client.trainer.study_decisions import HospitalDecisions
from client.wire import control_pb2 as pb
from client.wire.control_pb2_grpc import ControlStub
from client.wire.trainer_pb2 import CancelRequest
from client.wire.trainer_pb2_grpc import TrainerStub
from shared_model.errors import PneumofedError
from shared_model.fingerprint_words import words_of
from shared_model.protocol import EvaluateRequest, TrainRequest
from shared_model.study_stage import StageConfig
from shared_model.weights import from_bytes, to_bytes
from tests.support.controlled_hospital import FLOOR, PATIENT, UID, controlled, propose, written_hospital
from tests.support.scripted_sites import WEIGHTS, named

STUDY = named("learns", StageConfig(name="lobes", networks=("diseased", "covid"), rounds=2))
OTHER = named("other one")
ADA, BEA = Person(name="Ada Lo", reason="read and compared"), Person(name="Bea", reason="agreed in the board")


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> HospitalSettings:
    found = written_hospital(tmp_path_factory.mktemp("h"))
    propose(found, STUDY)
    propose(found, OTHER)
    return found


@pytest.fixture(scope="module", autouse=True)
def lines(hospital: HospitalSettings) -> Iterator[logging.Handler]:
    with controlled(hospital) as handler:
        yield handler


@pytest.fixture
def page(hospital: HospitalSettings) -> ControlClient:
    return ControlClient(hospital.control)


def code_of(action) -> str:
    with pytest.raises(PneumofedError) as caught:
        action()
    return caught.value.code


def rows(hospital: HospitalSettings, event: str) -> list[dict]:
    return [entry.facts for entry in AuditLog(hospital.state).entries() if entry.event == event]


def test_counts_are_under_the_floor(page: ControlClient) -> None:
    look = page.overview().look
    assert look.scans.patients == {"covid": 4, "other": 3, "healthy": None}
    assert look.scans.doubtful == {
        "far-from-air": None, "outside-air": None, "sudden-change": 4, "side-missing": None
    }  # fmt: skip
    assert look.scans.refused == {"not-a-chest": 5, "too-few-slices": None}
    assert {row.check for row in look.checks} >= {"disk", "memory", "store", "write state"}


def test_no_document_has_a_path_a_uid_or_a_name(
    hospital: HospitalSettings, page: ControlClient, lines: logging.Handler
) -> None:
    place = hospital.store / "sheets"
    lines.setFormatter(logging.Formatter())
    lines.handle(logging.LogRecord("pneumofed", logging.INFO, "", 1, f"cannot read {place}", (), None))
    texts = [
        one.model_dump_json() for one in (page.overview(), page.records(), page.study(STUDY.fingerprint))
    ]
    assert "cannot read store/sheets" in texts[1]
    for planted in (PATIENT, UID, str(hospital.state), str(hospital.store.parents[1])):
        assert not any(planted in text for text in texts), planted


def test_a_decision_is_recorded_as_by_the_command(hospital: HospitalSettings, page: ControlClient) -> None:
    assert page.decide(STUDY.fingerprint, ADA, approve=True)
    assert rows(hospital, "approved")[-1] == {
        "study": STUDY.fingerprint, "name": "learns", "count_floor": FLOOR, "by": "Ada Lo",
        "reason": "read and compared",
    }  # fmt: skip
    study = Approvals(hospital.state, FLOOR).find(STUDY.fingerprint)
    assert study is not None and study.decision == "approved"
    page.decide(OTHER.fingerprint, BEA, approve=False)
    assert rows(hospital, "withdrawn")[-1] == {
        "study": OTHER.fingerprint, "by": "Bea", "reason": "agreed in the board"
    }  # fmt: skip
    decisions = {one.name: one.decision for one in page.overview().studies}
    assert decisions == {"learns": "approved", "other one": "withdrawn"}


def test_what_left_is_what_the_log_has(hospital: HospitalSettings, page: ControlClient) -> None:
    page.decide(OTHER.fingerprint, ADA, approve=True)
    node = TrainerClient(hospital.socket, OTHER, deadline_s=60)
    described = len(node.describe().answer)
    trained = node.train(to_bytes(WEIGHTS), TrainRequest(0, 1)).answer.weights
    evaluated = len(node.evaluate(to_bytes(WEIGHTS), EvaluateRequest("test", ("diseased",))).answer)
    found = page.overview()
    told = {one.task: (one.answers, one.bytes) for one in found.left}
    sent = sum(array.nbytes for array in from_bytes(trained).values())
    assert told == {"describe": (1, described), "train": (1, sent), "evaluate": (1, evaluated)}
    assert found.running is None
    entries = AuditLog(hospital.state).entries()
    assert (found.audit.lines, found.audit.head) == (len(entries), entries[-1].hash)
    assert found.connection.last_contact == [e.time for e in entries if e.event == "task"][-1]
    assert [row.number for row in page.records().rows] == [e.number for e in reversed(entries)]
    assert page.records().rows[0].facts == entries[-1].facts


def test_the_page_reads_what_the_command_shows(hospital: HospitalSettings, page: ControlClient) -> None:
    document = page.study(STUDY.fingerprint)
    decisions = HospitalDecisions(hospital)
    patients = patients_of_store(hospital.store, FLOOR)
    assert sections_as_text(document.sections) == sections_as_text(decisions.sections(STUDY, patients))
    assert document.words == words_of(STUDY.fingerprint)
    assert any("WARNING: diseased or healthy is learned here from one side" in line
               for section in document.sections for line in section.lines)  # fmt: skip


def test_pause_and_resume(hospital: HospitalSettings, page: ControlClient) -> None:
    page.set_paused(BEA, paused=True)
    assert page.overview().paused and Approvals(hospital.state, FLOOR).paused
    node = TrainerClient(hospital.socket, STUDY, deadline_s=60)
    assert code_of(node.describe) == "paused"
    page.set_paused(BEA, paused=False)
    assert not page.overview().paused
    assert rows(hospital, "paused")[-1] == {"by": "Bea", "reason": "agreed in the board"}


@pytest.mark.parametrize(
    ("name", "reason"),
    [("", "because"), ("Ada", ""), ("x" * 81, "because"), ("Ada", "y" * 501), ("Ada\x1b[2K", "because"),
     ("Ada", "two\nlines")],
    ids=repr,
)  # fmt: skip
def test_a_decision_needs_a_name_and_a_reason(
    hospital: HospitalSettings, page: ControlClient, name: str, reason: str
) -> None:
    before = len(AuditLog(hospital.state).entries())
    with grpc.insecure_channel(f"unix:{hospital.control}") as channel, pytest.raises(grpc.RpcError) as caught:
        request = pb.SetPausedRequest(paused=True, decider=pb.Decider(name=name, reason=reason))
        ControlStub(channel).SetPaused(request)
    assert caught.value.details() == "decision-invalid"
    assert len(AuditLog(hospital.state).entries()) == before and not page.overview().paused


@pytest.mark.parametrize("fingerprint", ["", "learns", "../../etc/passwd", "0" * 16, "0000-0000-0000-0000"])
def test_only_a_study_that_is_there_is_decided_on_and_by_its_fingerprint(
    page: ControlClient, fingerprint: str
) -> None:
    assert code_of(lambda: page.decide(fingerprint, ADA, approve=True)) == "study-unknown"
    assert code_of(lambda: page.study(fingerprint)) == "study-unknown"


def test_the_nodes_socket_does_not_serve_it_nor_this_one_the_nodes(hospital: HospitalSettings) -> None:
    for socket, ask in (
        (hospital.socket, lambda channel: ControlStub(channel).Overview(pb.OverviewRequest())),
        (hospital.control, lambda channel: TrainerStub(channel).Cancel(CancelRequest())),
    ):
        with grpc.insecure_channel(f"unix:{socket}") as channel, pytest.raises(grpc.RpcError) as caught:
            ask(channel)
        assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_socket_and_folder_are_closed_to_others(hospital: HospitalSettings) -> None:
    assert stat.S_IMODE(os.stat(hospital.control).st_mode) == 0o660
    assert stat.S_IMODE(os.stat(hospital.control.parent).st_mode) == 0o750


def test_a_broken_chain_is_told_and_nothing_of_it(tmp_path: Path) -> None:
    hospital = written_hospital(tmp_path)
    propose(hospital, STUDY)
    with controlled(hospital):
        page = ControlClient(hospital.control)
        log = hospital.state / "audit.jsonl"
        log.write_bytes(log.read_bytes().replace(b'"learns"', b'"yearns"'))
        found = page.overview()
        assert (found.audit.problem, found.audit.lines, found.audit.head) == ("audit-damaged", 0, None)
        log.write_bytes(log.read_bytes().replace(b'"yearns"', b'"learns"'))
        assert page.overview().audit.problem is None


def test_four_eyes_are_two_people(tmp_path: Path) -> None:
    hospital = written_hospital(tmp_path, "[approval]\nfour_eyes = true\n")
    propose(hospital, STUDY)
    with controlled(hospital):
        page = ControlClient(hospital.control)
        assert not page.decide(STUDY.fingerprint, ADA, approve=True)
        (row,) = page.overview().studies
        assert (row.decision, row.agreed_by) == ("waiting", "Ada Lo")
        again = Person(name="ADA  LO", reason="again")
        assert code_of(lambda: page.decide(STUDY.fingerprint, again, approve=True)) == "second-person-needed"
        assert page.decide(STUDY.fingerprint, BEA, approve=True)
        assert page.overview().studies[0].decision == "approved"
    facts = rows(hospital, "approved")[-1]
    assert (facts["by"], facts["after"]) == ("Bea", "Ada Lo")
