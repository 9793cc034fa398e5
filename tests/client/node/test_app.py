"""What leaves a hospital: codes, counts and weights; never an exception's text."""

import logging
import resource
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from flwr.app import Array, ArrayRecord, ConfigRecord, Message, MessageType, MetricRecord, RecordDict
from safetensors.numpy import save

from client.node.app import make_client_app
from client.node.messages import seen_head
from client.trainer_interface import Trainer
from deploy.simulation.local_grid import LocalGrid
from deploy.simulation.site_trainer import SiteTrainer
from server import messages
from shared_model.envelope import Envelope, LogHead, Reply, question_of
from shared_model.errors import PneumofedError
from shared_model.proposal import Proposal
from shared_model.protocol import EvaluateRequest, TrainingCost, TrainRequest, TrainResult
from shared_model.weights import fingerprint
from tests.support.fake_sites import BOTH, FakeSite, study_of, weights_of

SECRET = "/data/Doe^Jane/1.2.840.113619"
STUDY = study_of(BOTH)
PROPOSAL = Proposal.of(STUDY, weights_of(0))


class Failing(FakeSite):
    def __init__(self, error: Exception) -> None:
        super().__init__("a", STUDY)
        self.error = error

    def train(self, *_, **__):
        raise self.error

    evaluate = describe = train


def ask(trainer: Trainer, content, message_type) -> Message:
    grid = LocalGrid(make_client_app(lambda context, _: trainer), ["a"])
    (node,) = grid.get_node_ids()
    message = Message(content, node, message_type)
    (reply,) = grid.pull_messages(grid.push_messages([message]))
    return reply


DISEASED = EvaluateRequest("all", ("diseased",))
POINT = {"diseased": 0.7, "covid": 0.25}
CALLED = EvaluateRequest("all", ("diseased", "covid"), POINT)
REQUESTS = [
    (messages.describe_request(PROPOSAL), MessageType.QUERY),
    (messages.train_request(PROPOSAL, weights_of(0), TrainRequest(0, 1)), MessageType.TRAIN),
    (messages.evaluate_request(PROPOSAL, weights_of(0), DISEASED), MessageType.EVALUATE),
]


@pytest.mark.parametrize(("content", "message_type"), REQUESTS)
@pytest.mark.parametrize(
    ("error", "code"),
    [
        (FileNotFoundError(2, "No such file", SECRET), "internal-error"),
        (KeyError(SECRET), "internal-error"),
        (PneumofedError("disk-full", f"{SECRET} is full"), "disk-full"),
        (PneumofedError(f"lost {SECRET}", "a code that is none"), "internal-error"),
    ],
)
def test_no_text_of_an_exception_crosses(content, message_type, error, code, caplog):
    with caplog.at_level(logging.DEBUG):
        reply = ask(SiteTrainer(Failing(error), PROPOSAL.fingerprint), content, message_type)
    assert reply.has_error() and reply.error.reason == code
    assert SECRET not in repr(reply) and SECRET not in caplog.text and "Doe" not in caplog.text
    assert f"{type(error).__name__} in tests.client.node.test_app" in caplog.text


def test_a_fault_in_finding_the_trainer_is_hidden_too():
    def nowhere(context, message):
        raise OSError(SECRET)

    grid = LocalGrid(make_client_app(nowhere), ["a"])
    (node,) = grid.get_node_ids()
    (reply,) = grid.pull_messages(
        grid.push_messages([Message(messages.describe_request(PROPOSAL), node, "query")])
    )
    assert reply.error.reason == "internal-error"


@pytest.mark.parametrize("settings", [{}, {"stage": "0", "round": 1}, {"stage": 0}])
@pytest.mark.parametrize("with_weights", [True, False])
def test_an_unreadable_request_is_refused(settings, with_weights):
    content = RecordDict({"task": ConfigRecord(settings)})
    if with_weights:
        content["weights"] = REQUESTS[1][0]["weights"]
    assert ask(Opaque(), content, MessageType.TRAIN).error.reason == "task-unreadable"


@pytest.mark.parametrize("weights", [None, ConfigRecord({"weights": b"a"}), ArrayRecord()])
def test_a_request_without_weights_is_refused(weights):
    content = RecordDict({"task": ConfigRecord({"stage": 0, "round": 1})})
    if weights is not None:
        content["weights"] = weights
    assert ask(Opaque(), content, MessageType.TRAIN).error.reason == "task-unreadable"


def test_weights_counts_and_scores_arrive_as_they_left():
    site = FakeSite("a", STUDY)
    weights, trainer = weights_of(0), SiteTrainer(site, PROPOSAL.fingerprint)
    expected = site.train(weights, stage=0, round=1)
    result = messages.read_train_result(ask(trainer, *REQUESTS[1]), weights)
    assert result.scans == expected.scans and result.loss == expected.loss
    assert result.weights.keys() == expected.weights.keys()
    for name, array in expected.weights.items():
        np.testing.assert_array_equal(result.weights[name], array)
    evaluation = messages.read_evaluation(ask(trainer, *REQUESTS[2]))
    assert evaluation.to_json() == site.evaluate(weights, split="all", tasks=("diseased",)).to_json()
    assert messages.read_description(ask(trainer, *REQUESTS[0])) == site.describe()


def replied(cost: TrainingCost | None) -> Message:
    site = FakeSite("a", STUDY)
    train = site.train
    site.train = lambda *args, **asked: replace(train(*args, **asked), cost=cost)
    return ask(SiteTrainer(site, PROPOSAL.fingerprint), *REQUESTS[1])


def test_what_a_step_took_arrives_if_it_was_measured():
    for cost in (TrainingCost(1500, 768, 96), TrainingCost(0, 64), None):
        assert messages.read_train_result(replied(cost), weights_of(0)).cost == cost


@pytest.mark.parametrize(
    "told",
    [
        {"step_ms": -1}, {"step_ms": 1.5}, {"step_ms": 2**40}, {"memory_mb": 2**30}, {"gpu_mb": [1]},
        {"beside": 1},
    ],
)  # fmt: skip
def test_a_cost_that_cannot_be_is_refused(told):
    reply = replied(TrainingCost(1500, 768))
    reply.content["cost"] = MetricRecord({"step_ms": 1, "memory_mb": 64, "gpu_mb": 0} | told)
    with pytest.raises(PneumofedError) as caught:
        messages.read_train_result(reply, weights_of(0))
    assert caught.value.code == "reply-unreadable"


def test_an_operating_point_arrives_and_calls_come_back():
    site, trainer = FakeSite("a", STUDY), Opaque()
    content = messages.evaluate_request(PROPOSAL, weights_of(0), CALLED)
    ask(trainer, content, MessageType.EVALUATE)
    assert trainer.asked[0][1] == CALLED
    found = messages.read_evaluation(
        ask(SiteTrainer(site, PROPOSAL.fingerprint), content, MessageType.EVALUATE)
    )
    expected = site.evaluate(weights_of(0), split="all", tasks=CALLED.tasks, operating_point=POINT)
    assert found.to_json() == expected.to_json() and found.calls.counts


@pytest.mark.parametrize(
    ("tasks", "point"),
    [(["diseased", "covid"], [0.5]), (["diseased", "covid"], [0.5, 0.5, 0.5]),
     (["diseased", "covid"], [0.5, 1.0]), (["diseased", "covid"], [float("nan"), 0.5]),
     (["diseased", "covid"], [1, 1]), (["diseased"], [0.5, 0.5])],
)  # fmt: skip
def test_an_operating_point_that_cannot_be_is_refused(tasks, point):
    content = messages.evaluate_request(PROPOSAL, weights_of(0), CALLED)
    content["task"]["tasks"], content["task"]["operating-point"] = tasks, point
    assert ask(Opaque(), content, MessageType.EVALUATE).error.reason == "task-unreadable"


ENVELOPE = Envelope("0" * 64, LogHead(7, "a" * 64))


class Opaque:
    """A trainer whose words only it and the coordinator can read."""

    def __init__(self) -> None:
        self.asked: list = []

    def describe(self) -> Reply[str]:
        return Reply("no JSON", ENVELOPE)

    def train(self, weights: bytes, request: TrainRequest) -> Reply[TrainResult[bytes]]:
        self.asked.append((weights, request))
        return Reply(TrainResult(weights[::-1], {"diseased": 3}, {"diseased": 0.5}), ENVELOPE)

    def evaluate(self, weights: bytes, request: EvaluateRequest) -> Reply[str]:
        self.asked.append((weights, request))
        return Reply("no JSON", ENVELOPE)


def test_the_node_forwards_what_it_cannot_read():
    sent = b"\xff no safetensors file"
    trainer, requests = Opaque(), []
    for content, message_type in REQUESTS:
        request = RecordDict({"task": content["task"]})
        if "weights" in content:
            packed = Array("uint8", (len(sent),), "safetensors", sent)
            request["weights"] = ArrayRecord({"weights": packed})
        requests.append((request, message_type))
    described, trained, evaluated = (ask(trainer, *request).content for request in requests)
    assert trainer.asked == [(sent, TrainRequest(0, 1)), (sent, DISEASED)]
    assert trained["weights"]["weights"].data == sent[::-1]
    assert (dict(trained["scans"]), dict(trained["loss"])) == ({"diseased": 3}, {"diseased": 0.5})
    assert described["reply"]["description"] == evaluated["reply"]["evaluation"] == "no JSON"
    for request in requests:
        assert messages.read_envelope(ask(trainer, *request)) == ENVELOPE


def test_each_reply_names_its_question_and_no_other_does():
    asked = [
        (None, ""),
        (TrainRequest(0, 1), fingerprint(weights_of(0))),
        (DISEASED, fingerprint(weights_of(0))),
    ]
    trainer = SiteTrainer(FakeSite("a", STUDY), PROPOSAL.fingerprint)
    named = [messages.read_envelope(ask(trainer, *request)).question for request in REQUESTS]
    assert named == [question_of(PROPOSAL.fingerprint, *question) for question in asked]
    others = {
        question_of("0" * 16, *asked[1]),
        question_of(PROPOSAL.fingerprint, TrainRequest(0, 2), asked[1][1]),
        question_of(PROPOSAL.fingerprint, TrainRequest(1, 1), asked[1][1]),
        question_of(PROPOSAL.fingerprint, TrainRequest(0, 1), fingerprint(weights_of(1))),
        question_of(PROPOSAL.fingerprint, EvaluateRequest("test", ("diseased",)), asked[1][1]),
        question_of(PROPOSAL.fingerprint, CALLED, asked[1][1]),
    }
    assert len(others | set(named)) == 9


@pytest.mark.parametrize("head", [None, LogHead(7, "a" * 64)])
def test_the_head_that_the_coordinator_saw_arrives_at_the_hospital(head):
    for content, message_type in REQUESTS:
        message = Message(messages.with_head(content, head), 1001, message_type)
        assert seen_head(message) == head
        assert ("weights" in content) == ("weights" in message.content)


@pytest.mark.parametrize("wrong", [{"head-number": 0}, {"head-number": 2**53}, {"head-hash": "A" * 64}])
def test_a_head_that_cannot_be_is_refused(wrong):
    content = messages.with_head(REQUESTS[0][0], LogHead(7, "a" * 64))
    for name, value in wrong.items():
        content["task"][name] = value
    with pytest.raises(PneumofedError) as refused:
        seen_head(Message(content, 1001, "query"))
    assert refused.value.code == "task-unreadable"


def test_weights_arrive_as_the_bytes_that_the_site_returned():
    site, weights = FakeSite("a", STUDY), weights_of(0)
    reply = ask(SiteTrainer(site, PROPOSAL.fingerprint), *REQUESTS[1])
    expected = site.train(weights, stage=0, round=1).weights
    array = reply.content["weights"]["weights"]
    assert array.data == save(expected)
    assert (array.dtype, array.stype, array.shape) == ("uint8", "safetensors", (len(array.data),))


def loaded_by_the_network_zone() -> set[str]:
    """The modules that a new process has when its node could begin."""
    code = "import sys, client.node.deployed; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.slow
def test_the_network_zone_starts_within_one_and_a_half_seconds():
    """Processor time: on an idle machine that is its time on the clock, and no other process adds to it."""
    seconds = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        loaded_by_the_network_zone()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(seconds) < 1.5, seconds


def test_the_network_zone_loads_neither_torch_nor_data_code():
    loaded = loaded_by_the_network_zone()
    assert "flwr" in loaded
    unwanted = {
        "torch",
        "safetensors",
        "pydicom",
        "cv2",
        "preprocessing",
        "client.learning.site",
        "shared_model.network_weights",
    }
    assert not unwanted & loaded
