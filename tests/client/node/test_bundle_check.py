"""Flower's own SuperNode, in memory, with a coordinator that announces one bundle and sends another."""

import hashlib
from dataclasses import replace

import pytest
from flwr.app import Message, RecordDict
from flwr.supercore.fab import Fab
from flwr.supercore.inflatable.inflatable_object import get_object_tree
from flwr.supercore.object_store import ObjectStoreFactory
from flwr.supercore.run import Run
from flwr.supercore.task_identity import TaskIdentity
from flwr.supernode import start_client_internal as supernode
from flwr.supernode.nodestate import NodeStateFactory

from client.node.bundle_check import check_bundles
from shared_model.bundle import BUNDLE, BUNDLE_SHA256

RUN_ID, NODE_ID = 7, 3
OTHER = b"PK another bundle"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class Node:
    """Flower's SuperNode without its loop, asked by a coordinator about a run."""

    def __init__(self, announced: str, sent: bytes, named: str) -> None:
        factory = ObjectStoreFactory()
        self.state, self.store = NodeStateFactory(objectstore_factory=factory).state(), factory.store()
        self.state.set_node_id(NODE_ID)
        self.run = replace(Run.create_empty(RUN_ID), fab_hash=announced)
        self.fab = Fab(named, sent, {})

    def pull(self) -> int | None:
        with pytest.MonkeyPatch.context() as patch:  # who asks is another process
            for name in ("_run_id", "_node_id", "_task_id"):
                patch.setattr(TaskIdentity, name, RUN_ID)
            message = Message(RecordDict(), dst_node_id=NODE_ID, message_type="query")
        message.metadata.__dict__["_message_id"] = message.object_id
        tree = get_object_tree(message)
        objects = {message.object_id: message.deflate()}
        objects |= {id: one.deflate() for id, one in message.children.items()}
        return supernode._pull_and_store_message(
            state=self.state,
            object_store=self.store,
            node_config={},
            receive=lambda: (message, tree),
            get_run=lambda run_id: self.run,
            get_fab=lambda fab_hash, run_id: self.fab,
            pull_object=lambda run_id, object_id: objects[object_id],
            confirm_message_received=lambda run_id, object_id: None,
            trusted_entities=None,
        )


@pytest.fixture
def refused(monkeypatch) -> list[str]:
    monkeypatch.setattr(supernode, "_pull_and_store_message", supernode._pull_and_store_message)
    found: list[str] = []
    check_bundles(lambda: found.append("refused"))
    return found


@pytest.mark.parametrize("named", [BUNDLE_SHA256, "", "0" * 64])
def test_the_installed_bundle_is_taken_whatever_the_coordinator_calls_it(refused, named):
    node = Node(BUNDLE_SHA256, BUNDLE, named)
    assert node.pull() == RUN_ID and refused == []
    assert node.state.get_fab(BUNDLE_SHA256).content == BUNDLE
    assert node.state.get_messages_legacy(is_reply=True) == []


@pytest.mark.parametrize(
    ("announced", "sent"),
    [(BUNDLE_SHA256, OTHER), (sha256(OTHER), OTHER), (sha256(OTHER), BUNDLE), ("", BUNDLE)],
)
def test_another_bundle_is_answered_by_its_refusal_and_leaves_nothing(refused, announced, sent):
    node = Node(announced, sent, announced)
    for times in (1, 2):  # a second message of the run fares no better
        assert node.pull() == RUN_ID
        assert refused == times * ["refused"]
        (reply,) = node.state.get_messages_legacy(is_reply=True)
        assert reply.error.reason == "bundle-refused"
        assert node.state.get_run(RUN_ID) is None
        assert node.state.get_fab(sha256(sent)) is None and node.state.get_fab(announced) is None
        node.state.delete_messages(message_ids=[reply.metadata.message_id])
