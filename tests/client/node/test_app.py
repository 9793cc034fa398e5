"""What leaves a hospital: codes, counts and weights; never an exception's text."""

import json
import logging
import resource
import subprocess
import sys

import numpy as np
import pytest
from flwr.app import ConfigRecord, Message, MessageType, RecordDict

from client.node.app import make_client_app
from deploy.simulation.local_grid import LocalGrid
from server import messages
from shared_model.errors import PneumofedError
from shared_model.proposal import Proposal
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


def ask(trainer, content, message_type) -> Message:
    grid = LocalGrid(make_client_app(lambda context, _: trainer), ["a"])
    (node,) = grid.get_node_ids()
    message = Message(content, node, message_type)
    (reply,) = grid.pull_messages(grid.push_messages([message]))
    return reply


REQUESTS = [
    (messages.describe_task(PROPOSAL), MessageType.QUERY),
    (messages.train_task(PROPOSAL, weights_of(0), stage=0, round=1), MessageType.TRAIN),
    (messages.evaluate_task(PROPOSAL, weights_of(0), split="all", tasks=("diseased",)), MessageType.EVALUATE),
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
        reply = ask(Failing(error), content, message_type)
    assert reply.has_error() and reply.error.reason == code
    assert SECRET not in repr(reply) and SECRET not in caplog.text and "Doe" not in caplog.text
    assert f"{type(error).__name__} in tests.client.node.test_app" in caplog.text


def test_a_fault_in_finding_the_trainer_is_hidden_too():
    def nowhere(context, message):
        raise OSError(SECRET)

    grid = LocalGrid(make_client_app(nowhere), ["a"])
    (node,) = grid.get_node_ids()
    (reply,) = grid.pull_messages(
        grid.push_messages([Message(messages.describe_task(PROPOSAL), node, "query")])
    )
    assert reply.error.reason == "internal-error"


@pytest.mark.parametrize("task", [{}, {"stage": "0", "round": 1}, {"stage": 0}])
@pytest.mark.parametrize("with_weights", [True, False])
def test_an_unreadable_task_is_refused(task, with_weights):
    content = RecordDict({"task": ConfigRecord(task)})
    if with_weights:
        content["weights"] = REQUESTS[1][0]["weights"]
    assert ask(FakeSite("a", STUDY), content, MessageType.TRAIN).error.reason == "task-unreadable"


def test_weights_counts_and_scores_arrive_as_they_left():
    site = FakeSite("a", STUDY)
    weights = weights_of(0)
    outcome = site.train(weights, stage=0, round=1)
    update = messages.read_update(ask(site, *REQUESTS[1]), weights)
    assert update.scans == outcome.scans and update.loss == outcome.loss
    assert update.weights.keys() == outcome.weights.keys()
    for name, array in outcome.weights.items():
        np.testing.assert_array_equal(update.weights[name], array)
    evaluation = messages.read_evaluation(ask(site, *REQUESTS[2]))
    assert evaluation.to_json() == site.evaluate(weights, split="all", tasks=("diseased",)).to_json()
    assert json.loads(messages.read_description(ask(site, *REQUESTS[0])).to_text()) == site.describe()


def test_a_description_with_anything_more_does_not_leave():
    class Talkative(FakeSite):
        def describe(self):
            return super().describe() | {"patients": [SECRET]}

    reply = ask(Talkative("a", STUDY), *REQUESTS[0])
    assert reply.has_error() and SECRET not in repr(reply)


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
        "pydicom",
        "cv2",
        "preprocessing",
        "client.learning.site",
        "shared_model.network_weights",
    }
    assert not unwanted & loaded
