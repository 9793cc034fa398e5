"""The node's side of the socket, before a trainer that returns what no trainer of ours would."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest

from client.node.trainer_client import TrainerClient
from client.wire import trainer_pb2 as pb
from client.wire.chunks import CHUNK
from client.wire.trainer_pb2_grpc import TrainerServicer, add_TrainerServicer_to_server
from shared_model.bounded_json import LONGEST_TEXT
from shared_model.envelope import Envelope, LogHead, Reply
from shared_model.errors import PneumofedError
from shared_model.proposal import Proposal
from shared_model.protocol import EvaluateRequest, TrainRequest
from tests.support.fake_sites import BOTH, study_of, weights_of

PROPOSAL = Proposal.of(study_of(BOTH), weights_of(0))
VALIDATION = EvaluateRequest("validation", ("covid",))


class Fake(TrainerServicer):
    """Returns `text` and the pieces `weights`; keeps what it received."""

    def __init__(self) -> None:
        self.text, self.weights, self.received, self.given = "no JSON", [b"no safetensors"], b"", 0
        self.envelope = pb.Envelope(question="0" * 64, head=pb.LogHead(number=3, hash="a" * 64))

    def Describe(self, request, context):  # noqa: N802
        self.asked = request
        return pb.DescribeReply(description=self.text, envelope=self.envelope)

    def Train(self, request_iterator, context) -> Iterator[pb.TrainReply]:  # noqa: N802
        parts = list(request_iterator)
        self.asked, self.pieces = parts[0].job, [len(part.weights) for part in parts[1:]]
        self.received = b"".join(part.weights for part in parts[1:])
        yield pb.TrainReply(progress=pb.Progress(done=1, total=1))
        yield pb.TrainReply(
            figures=pb.Figures(scans={"covid": 3}, loss={"covid": 0.5}, envelope=self.envelope)
        )
        for piece in self.weights:
            self.given += len(piece)
            yield pb.TrainReply(weights=piece)

    def Evaluate(self, request_iterator, context) -> Iterator[pb.EvaluateReply]:  # noqa: N802
        parts = list(request_iterator)
        self.asked, self.received = parts[0].job, b"".join(part.weights for part in parts[1:])
        yield pb.EvaluateReply(progress=pb.Progress(done=1, total=1))
        yield pb.EvaluateReply(evaluation=self.text, envelope=self.envelope)


@pytest.fixture
def fake(tmp_path) -> Iterator[Fake]:
    service = Fake()
    server = grpc.server(ThreadPoolExecutor(2))
    add_TrainerServicer_to_server(service, server)
    server.add_insecure_port(f"unix:{tmp_path / 't.sock'}")
    server.start()
    yield service
    server.stop(grace=None).wait()


@pytest.fixture
def node(tmp_path: Path, fake: Fake) -> TrainerClient:
    return TrainerClient(tmp_path / "t.sock", PROPOSAL, deadline_s=20)


def code_of(action) -> str:
    with pytest.raises(PneumofedError) as caught:
        action()
    return caught.value.code


def test_bytes_and_texts_pass_unread_both_ways(node, fake):
    sent = bytes(range(256)) * (2 * CHUNK // 256) + b"rest"
    fake.weights = [b"\xff\x00", b"", b"no safetensors"]
    reply = node.train(sent, TrainRequest(1, 4))
    result = reply.answer
    assert fake.received == sent and fake.pieces == [CHUNK, CHUNK, 4]
    assert (fake.asked.proposal, fake.asked.stage, fake.asked.round) == (PROPOSAL.to_text(), 1, 4)
    assert result.weights == b"\xff\x00no safetensors"
    assert (result.scans, result.loss) == ({"covid": 3}, {"covid": 0.5})
    assert node.describe() == node.evaluate(sent, VALIDATION) == Reply("no JSON", reply.envelope)
    assert reply.envelope == Envelope("0" * 64, LogHead(3, "a" * 64))
    assert (fake.asked.split, list(fake.asked.tasks)) == ("validation", ["covid"]) and fake.received == sent


def test_more_weights_than_the_study_has_are_refused_before_they_fill_the_memory(node, fake):
    fake.weights = [bytes(2**20)] * 1024
    assert code_of(lambda: node.train(b"", TrainRequest(0, 1))) == "weights-too-long"
    assert fake.given < 64 * 2**20


def test_a_text_longer_than_any_reply_is_refused(node, fake):
    fake.text = "x" * LONGEST_TEXT
    assert node.describe().answer == node.evaluate(b"", VALIDATION).answer == fake.text
    fake.text += "x"
    assert code_of(node.describe) == "reply-too-long"
    assert code_of(lambda: node.evaluate(b"", VALIDATION)) == "reply-too-long"


def test_the_head_that_the_coordinator_saw_goes_with_every_request(fake, tmp_path):
    seen = LogHead(9, "b" * 64)
    node = TrainerClient(tmp_path / "t.sock", PROPOSAL, deadline_s=20, seen=seen)
    requests = (
        node.describe,
        lambda: node.train(b"", TrainRequest(0, 1)),
        lambda: node.evaluate(b"", VALIDATION),
    )
    for request in requests:
        request()
        assert (fake.asked.seen.number, fake.asked.seen.hash) == (9, "b" * 64)


@pytest.mark.parametrize(
    "envelope",
    [
        pb.Envelope(),
        pb.Envelope(question="x"),
        pb.Envelope(question="0" * 64, head=pb.LogHead(number=0, hash="a" * 64)),
    ],
)
def test_an_envelope_that_cannot_be_is_refused(node, fake, envelope):
    fake.envelope = envelope
    assert code_of(node.describe) == code_of(lambda: node.evaluate(b"", VALIDATION)) == "envelope-unreadable"
