"""A hospital's node: takes the coordinator's messages one after the other, and answers each in this process.

It takes the place of Flower's program `flower-supernode`, which keeps each message for a program of its own
that fetches it over HTTP (docs/decisions/0120). What goes over the network is said by Flower's own client.
"""

import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from threading import Timer
from typing import Any, NamedTuple, NoReturn

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from flwr.app import Context, Error, Message, RecordDict
from flwr.clientapp import ClientApp
from flwr.common.constant import ErrorCode
from flwr.proto.message_pb2 import ObjectTree
from flwr.supercore import log as flower_log
from flwr.supercore.fab import Fab
from flwr.supercore.inflatable.inflatable_object import (
    get_all_nested_objects,
    get_object_tree,
    no_object_id_recompute,
)
from flwr.supercore.inflatable.inflatable_utils import pull_and_inflate_object_from_tree, push_objects
from flwr.supercore.run import Run, RunNotRunningException
from flwr.supernode.fleet_http_connection import http_request_response

from client.error_redaction import code_of, place_of
from client.node.bundle_check import BundleCheck, Record
from shared_model.errors import PneumofedError
from shared_model.polling import Pauses

log = logging.getLogger("pneumofed.node")

SHORTEST_S, LONGEST_S = 0.2, 3.0
"""Pauses between questions for messages; the longest is Flower's only one."""
BACKOFF_S, LONGEST_BACKOFF_S = 0.1, 2.0
"""Pauses while a part of an announced message is still on its way to SuperLink. Flower's are 1 and 10 s."""
END_S = 5.0
"""How long a node that ends may take to say so."""


class Fleet(NamedTuple):
    """What a node can ask of the coordinator: the calls of Flower's connection, in its order."""

    node_id: int
    receive: Callable[[], tuple[Message, ObjectTree] | None]
    send: Callable[[Message, ObjectTree, float], tuple[set[str], str]]
    get_run: Callable[[int], Run]
    get_fab: Callable[[str, int], Fab]
    pull_object: Callable[[int, str], bytes]
    push_object: Callable[[int, str, str, bytes], None]
    confirm_received: Callable[[int, str], None]


class Node:
    """Answers the messages that come through `fleet` with `app`; node_config: the app's settings.

    record: is called for each bundle that was refused.
    """

    def __init__(self, fleet: Fleet, app: ClientApp, node_config: dict[str, Any], record: Record) -> None:
        self._fleet, self._app, self._node_config = fleet, app, node_config
        self._bundles = BundleCheck(fleet.get_run, fleet.get_fab, record)

    def answer_forever(self) -> NoReturn:
        """One message after the other. Raises what Flower raises if the coordinator cannot be asked."""
        pauses = Pauses(SHORTEST_S, LONGEST_S)
        while True:
            if self.answer_next():
                pauses.restart()
            else:
                time.sleep(pauses.next_s())

    def answer_next(self) -> bool:
        """Answer a message; False if none waits. One that cannot be answered is left: it is asked again."""
        try:
            received = self._fleet.receive()
        except RunNotRunningException:
            return False
        if received is None:
            return False
        message, tree = received
        log.info("asked: %s, %s", message.metadata.message_type, message.metadata.group_id)
        try:
            self._answer(message, tree)
            log.info("answered")
        except RunNotRunningException:  # no Exception
            log.info("not answered: the run has ended")
        except Exception as error:
            log.error("not answered: %s (%s)", code_of(error), place_of(error))
        return True

    def _answer(self, message: Message, tree: ObjectTree) -> None:
        began = time.monotonic()
        try:
            self._bundles.check(message.metadata.run_id)
            reply = self._reply(self._pulled(message.metadata.run_id, tree))
        except PneumofedError as refusal:
            reply = Message(Error(ErrorCode.CLIENT_APP_RAISED_EXCEPTION, refusal.code), reply_to=message)
        self._push(reply, time.monotonic() - began)

    def _pulled(self, run_id: int, tree: ObjectTree) -> Message:
        """The message with its content. SuperLink forgets the content then."""
        whole = pull_and_inflate_object_from_tree(
            tree,
            partial(self._fleet.pull_object, run_id),
            partial(self._fleet.confirm_received, run_id),
            return_type=Message,
            max_tries_per_object=None,
            initial_backoff=BACKOFF_S,
            backoff_cap=LONGEST_BACKOFF_S,
        )
        whole.metadata.__dict__["_message_id"] = tree.object_id  # the content does not have it
        return whole

    def _reply(self, message: Message) -> Message:
        context = Context(
            message.metadata.run_id, self._fleet.node_id, self._node_config, RecordDict(), run_config={}
        )
        try:
            return self._app(message=message, context=context)
        except Exception as error:  # for a kind of message that the app does not know
            log.error("the app failed: %s", place_of(error))
            return Message(Error(ErrorCode.CLIENT_APP_RAISED_EXCEPTION, code_of(error)), reply_to=message)

    def _push(self, reply: Message, seconds: float) -> None:
        """Announce the reply, and send those of its parts that SuperLink has not."""
        reply.metadata.__dict__["_message_id"] = reply.object_id
        with no_object_id_recompute():
            objects = get_all_nested_objects(reply)
            wanted, session = self._fleet.send(reply, get_object_tree(reply), seconds)
            push = partial(self._fleet.push_object, reply.metadata.run_id, session)
            del reply  # `objects` gives each part away when it is sent
            push_objects(objects, push, object_ids_to_push=wanted)


def run_supernode(
    address: str,
    key: EllipticCurvePrivateKey,
    app: ClientApp,
    node_config: dict[str, Any],
    record: Record,
) -> None:
    """Be the node that has `key`, at the coordinator's `address`, until SIGTERM, SIGINT or a fault.

    TLS is that of deploy/loopback.py's `show_certificate`.
    """
    signal.signal(signal.SIGTERM, _end)
    # Flower's client sends it to this process after a 401; a process started in the background may ignore it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    keys = (key, key.public_key())
    with http_request_response(address, insecure=False, authentication_keys=keys) as calls:
        flower_log(logging.INFO, "SuperNode ID: %s", calls[0])  # as Flower's program: it is connected
        Node(Fleet(*calls), app, node_config, record).answer_forever()


def _end(*_: object) -> None:
    """Tell the coordinator that the node goes, if it answers soon."""
    forced = Timer(END_S, os._exit, [1])
    forced.daemon = True
    forced.start()
    sys.exit(0)
