"""A node in memory, with a coordinator that keeps Flower's objects as SuperLink does."""

import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from flwr.app import Array, ArrayRecord, ConfigRecord, Context, Message, RecordDict
from flwr.clientapp import ClientApp
from flwr.supercore.fab import Fab
from flwr.supercore.inflatable.inflatable_object import get_all_nested_objects, get_object_tree
from flwr.supercore.inflatable.inflatable_utils import ObjectUnavailableError, inflate_object_from_contents
from flwr.supercore.run import Run, RunNotRunningException
from flwr.supercore.task_identity import TaskIdentity

from client.node import supernode
from client.node.supernode import Fleet, Node
from deploy.coordinator.certificates import new_key
from shared_model.bundle import BUNDLE, BUNDLE_SHA256

RUN_ID, NODE_ID, SUPERLINK = 7, 3, 1
SECRET = "/data/Doe^Jane"


class Coordinator:
    """Sends one message and takes its reply. unready: how often the first part asked for is not there yet."""

    def __init__(self, message: Message, *, bundle: bytes = BUNDLE, unready: int = 0) -> None:
        message.metadata.__dict__["_message_id"] = message.object_id
        self.message, self.bundle, self.unready = message, bundle, unready
        self.objects = {name: one.deflate() for name, one in get_all_nested_objects(message).items()}
        self.kept = set(self.objects)
        self.confirmed: list[str] = []
        self.announced: Message | None = None
        self.pushed: dict[str, bytes] = {}
        self.refusals = 0
        self.reply_id = ""
        self.sending: Exception | None = None

    def fleet(self) -> Fleet:
        run = replace(Run.create_empty(RUN_ID), fab_hash=BUNDLE_SHA256)
        return Fleet(
            NODE_ID,
            self.receive,
            self.send,
            lambda run_id: run,
            lambda announced, run_id: Fab(announced, self.bundle, {}),
            self.pull,
            lambda run_id, session, name, content: self.pushed.update({name: content}),
            lambda run_id, name: self.confirmed.append(name),
        )

    def receive(self) -> Any:
        message, self.waiting = getattr(self, "waiting", self.message), None
        return None if message is None else (message, get_object_tree(message))

    def pull(self, run_id: int, name: str) -> bytes:
        assert run_id == RUN_ID
        if self.unready:
            self.unready -= 1
            raise ObjectUnavailableError(name)
        return self.objects[name]

    def send(self, reply: Message, tree: Any, seconds: float) -> tuple[set[str], str]:
        if self.sending is not None:
            raise self.sending
        self.announced, self.reply_id = reply, reply.metadata.message_id
        names = set(get_all_nested_objects(reply))
        return {name for name in names if name not in self.kept}, "session"

    def record(self) -> None:
        self.refusals += 1

    @property
    def reply(self) -> Message:
        """The reply as SuperLink would give it on."""
        return inflate_object_from_contents(self.reply_id, {**self.objects, **self.pushed})


def question(kind: str = "train", content: RecordDict | None = None) -> Message:
    with pytest.MonkeyPatch.context() as patch:  # who asks is another process
        for name, value in (("_run_id", RUN_ID), ("_node_id", SUPERLINK), ("_task_id", 1)):
            patch.setattr(TaskIdentity, name, value)
        return Message(content or RecordDict(), dst_node_id=NODE_ID, message_type=kind, group_id="4")


def echo() -> ClientApp:
    """Gives weights back and says what it was configured with; fails on `evaluate`, with a secret."""
    app = ClientApp()

    @app.train()
    def train(message: Message, context: Context) -> Message:
        said = ConfigRecord({"trainer": context.node_config["trainer"], "node": context.node_id})
        return Message(RecordDict({"weights": message.content["weights"], "said": said}), reply_to=message)

    @app.evaluate()
    def evaluate(message: Message, context: Context) -> Message:
        raise ValueError(SECRET)

    return app


def node_of(coordinator: Coordinator) -> Node:
    return Node(coordinator.fleet(), echo(), {"trainer": "/run/t.sock"}, coordinator.record)


WEIGHTS = np.arange(3 * 2**20, dtype=np.float32)


def weights() -> RecordDict:
    return RecordDict({"weights": ArrayRecord({"all": Array(WEIGHTS)})})


def test_a_message_is_answered_with_what_the_app_says_and_only_new_parts_are_sent():
    coordinator = Coordinator(question(content=weights()))
    node = node_of(coordinator)
    assert node.answer_next() and not node.answer_next()
    assert coordinator.confirmed == [coordinator.message.object_id]
    reply = coordinator.reply
    assert np.array_equal(reply.content["weights"]["all"].numpy(), WEIGHTS)
    assert dict(reply.content["said"]) == {"trainer": "/run/t.sock", "node": NODE_ID}
    asked, said = coordinator.message.metadata, coordinator.announced.metadata
    assert (said.reply_to_message_id, said.group_id) == (asked.message_id, "4")
    assert (said.src_node_id, said.dst_node_id, said.run_id) == (NODE_ID, SUPERLINK, RUN_ID)
    # The weights came from the coordinator, who has them: message, record of records and `said` are new.
    assert len(coordinator.pushed) == 3 and sum(map(len, coordinator.pushed.values())) < 10_000


def test_a_part_that_comes_a_little_later_costs_little(monkeypatch):
    pauses, wait = [], threading.Event.wait

    def noted(event: threading.Event, timeout: float | None = None) -> bool:
        pauses.append(timeout or 0.0)
        return wait(event, timeout)

    monkeypatch.setattr(threading.Event, "wait", noted)
    coordinator = Coordinator(question(content=weights()), unready=2)
    assert node_of(coordinator).answer_next() and coordinator.reply.has_content()
    assert 0 < sum(pauses) < 0.8  # Flower's own first pause is a second


@pytest.mark.parametrize("kind", ["evaluate", "query"])
def test_an_app_that_fails_or_does_not_know_the_request_answers_with_a_code_alone(kind, caplog):
    coordinator = Coordinator(question(kind))
    with caplog.at_level(logging.DEBUG):
        assert node_of(coordinator).answer_next()
    assert coordinator.announced.error.reason == "internal-error"
    assert SECRET not in caplog.text + str(coordinator.announced)


def test_a_run_with_another_bundle_is_answered_by_its_refusal_and_nothing_of_it_is_taken():
    coordinator = Coordinator(question(content=weights()), bundle=b"PK code")
    assert node_of(coordinator).answer_next()
    assert coordinator.announced.error.reason == "bundle-refused"
    assert coordinator.refusals == 1 and coordinator.confirmed == []


@pytest.mark.parametrize("fault", [RunNotRunningException(), ConnectionError(SECRET)])
def test_a_reply_that_cannot_be_sent_is_dropped_and_the_node_goes_on(fault, caplog):
    coordinator = Coordinator(question(content=weights()))
    coordinator.sending = fault
    with caplog.at_level(logging.DEBUG):
        assert node_of(coordinator).answer_next()
    assert "not answered" in caplog.text and SECRET not in caplog.text


def test_a_message_whose_parts_are_lost_is_dropped():
    coordinator = Coordinator(question(content=weights()))
    coordinator.objects.clear()
    assert node_of(coordinator).answer_next() and coordinator.announced is None


def test_a_coordinator_that_cannot_be_asked_ends_the_node():
    fleet = Coordinator(question()).fleet()

    def broken() -> None:
        raise ConnectionError

    node = Node(fleet._replace(receive=broken), echo(), {}, lambda: None)
    with pytest.raises(ConnectionError):
        node.answer_forever()


def test_the_node_hears_flowers_sigint_where_its_parent_ignored_it(monkeypatch):
    """After a 401, of a revoked key or a clock out of step, Flower's client sends it to its own process."""

    @contextmanager
    def refused(*_: Any, **__: Any) -> Iterator[None]:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)  # it goes on in Flower's client too
        yield

    monkeypatch.setattr(supernode, "http_request_response", refused)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with pytest.raises(KeyboardInterrupt):
            supernode.run_supernode("localhost:9", new_key(), echo(), {}, lambda: None)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
