"""A coordinator, or a node that was taken over, that writes its own requests to a hospital's trainer."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest

from client.hospital_settings import HospitalSettings
from client.records.audit import AuditLog
from client.records.chained_log import Entry
from client.trainer.server import serving
from client.wire import trainer_pb2 as pb
from client.wire.chunks import to_chunks
from client.wire.trainer_pb2_grpc import TrainerStub
from shared_model.weights import Weights, to_bytes
from tests.support.approved_study import approve
from tests.support.fake_sites import weights_of
from tests.support.scripted_sites import WEIGHTS, ScriptedSiteFactory, named

PROPOSAL = named("learns")


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HospitalSettings]:
    """A trainer that serves one approved study."""
    folder = tmp_path_factory.mktemp("h")
    hospital = HospitalSettings.model_validate(
        {
            "name": "north",
            "store": folder / "store",
            "state": folder / "state",
            "socket": folder / "t.sock",
            "coordinator": {"address": "127.0.0.1:1"},
        }
    )
    with serving(hospital, ScriptedSiteFactory()):
        approve(hospital.state, PROPOSAL)
        yield hospital


def train(hospital: HospitalSettings, weights: Weights) -> str | None:
    """The code of the refusal of round 1 from these weights; None if it was answered."""
    parts = [pb.TrainRequest(job=pb.TrainJob(proposal=PROPOSAL.to_text(), stage=0, round=1))]
    parts += [pb.TrainRequest(weights=chunk) for chunk in to_chunks(to_bytes(weights))]
    with grpc.insecure_channel(f"unix:{hospital.socket}") as channel:
        try:
            list(TrainerStub(channel).Train(iter(parts)))
        except grpc.RpcError as error:
            return str(error.details())
    return None


def evaluate(hospital: HospitalSettings, tasks: list[str]) -> str | None:
    """The code of the refusal; None if it was answered."""
    job = pb.EvaluateJob(proposal=PROPOSAL.to_text(), split="test", tasks=tasks)
    parts = [pb.EvaluateRequest(job=job)]
    parts += [pb.EvaluateRequest(weights=chunk) for chunk in to_chunks(to_bytes(WEIGHTS))]
    with grpc.insecure_channel(f"unix:{hospital.socket}") as channel:
        try:
            list(TrainerStub(channel).Evaluate(iter(parts)))
        except grpc.RpcError as error:
            return str(error.details())
    return None


@pytest.mark.parametrize(
    "tasks", [["\x1b[2J"], ["x" * 2**21], [], ["diseased", "diseased"], ["diseased"] * 10**5], ids=len
)
def test_tasks_that_there_are_none_are_refused_and_not_written_down(
    hospital: HospitalSettings, tasks: list[str]
) -> None:
    """A line of two megabytes made the audit log unreadable for good, and with it the hospital."""
    log = hospital.state / "audit.jsonl"
    assert evaluate(hospital, tasks) == "task-unreadable"
    assert evaluate(hospital, ["diseased"]) is None
    assert max(map(len, log.read_bytes().splitlines())) < 1000
    AuditLog(hospital.state).write("still writable")


def test_a_round_asked_at_once_with_other_weights_is_trained_from_one_set(
    hospital: HospitalSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several ask before any of them is in the audit log."""
    approve(hospital.state, PROPOSAL)
    entries = AuditLog.entries

    def slow(log: AuditLog, **noted: Any) -> list[Entry]:
        found = entries(log, **noted)
        time.sleep(0.2)
        return found

    monkeypatch.setattr(AuditLog, "entries", slow)
    with ThreadPoolExecutor(4) as pool:
        codes = list(pool.map(partial(train, hospital), [weights_of(seed) for seed in range(4)]))
    assert codes.count("round-asked-before") == 3


def test_a_line_that_could_not_be_read_again_is_not_written(tmp_path: Path) -> None:
    audit = AuditLog(tmp_path)
    audit.write("first")
    with pytest.raises(ValueError, match="longer"):
        audit.write("task", of="x" * 2**20)
    audit.write("second")
    assert [entry.event for entry in audit.entries()] == ["first", "second"]
