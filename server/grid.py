"""Flower's Grid over HTTP, which asks once for the replies to all messages and reads them one at a time.

Flower's own asks SuperLink about the messages that it is given, and reads all their replies at once. The
round loop reads one reply after the other, so that one is in memory; asked for one at a time, each poll would
cost SuperLink a request for each hospital (docs/decisions/0121).
"""

import sys
from collections.abc import Iterable
from types import ModuleType
from typing import cast

# Flower imports the grid of its simulations too, and with it SuperLink's database.
_SIMULATION = "flwr.superlink.grid.inmemory_grid"
sys.modules[_SIMULATION] = ModuleType(_SIMULATION)
sys.modules[_SIMULATION].InMemoryGrid = None  # type: ignore[attr-defined]

from flwr.app import Error, Message, Metadata  # noqa: E402
from flwr.app.message import make_message  # noqa: E402
from flwr.common.constant import ErrorCode  # noqa: E402
from flwr.proto.message_pb2 import ConfirmMessageReceivedRequest, ObjectTree  # noqa: E402
from flwr.proto.runtime_pb2 import PullAppMessagesRequest  # noqa: E402
from flwr.supercore.inflatable.inflatable_object import iterate_object_tree  # noqa: E402
from flwr.supercore.inflatable.inflatable_protobuf_utils import make_pull_object_fn_protobuf  # noqa: E402
from flwr.supercore.inflatable.inflatable_utils import (  # noqa: E402
    ObjectPullError,
    ObjectPushError,
    inflate_object_from_contents,
    pull_objects,
)
from flwr.superlink.grid import HttpGrid  # noqa: E402

BACKOFF_S, LONGEST_BACKOFF_S = 0.1, 2.0
"""Pauses while a part of an announced reply is still on its way to SuperLink. Flower's are 1 and 10 s."""


class ReplyGrid(HttpGrid):
    """A look at SuperLink answers one question about each message that has no reply yet."""

    def __init__(
        self, runtime_api_address: str, insecure: bool, root_certificates: bytes | None, *, token: str
    ) -> None:
        super().__init__(runtime_api_address, insecure, root_certificates, token=token)
        self._sent: set[str] = set()
        self._without_reply: set[str] = set()
        self._arrived: dict[str, tuple[str, ObjectTree]] = {}
        """Message -> id and parts of its reply, of which nothing is read yet."""

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        """Their ids, in order; empty if SuperLink did not take them, as if it is started again then."""
        messages = list(messages)
        try:
            ids = list(super().push_messages(messages))
        except ObjectPushError:
            return [""] * len(messages)
        self._sent.update(number for number in ids if number)
        return ids

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        """The replies to those of the messages that have one. Raises as Flower for one that is unreadable."""
        return [self._read(number) for number in message_ids if self._has_reply(number)]

    def _has_reply(self, number: str) -> bool:
        if number not in self._arrived and number not in self._without_reply:
            self._look()
        self._without_reply.discard(number)
        return number in self._arrived

    def _look(self) -> None:
        found = self._runtime_client.PullMessages(PullAppMessagesRequest(message_ids=self._sent))
        for reply, tree in zip(found.messages_list, found.message_object_trees, strict=True):
            self._arrived[reply.metadata.reply_to_message_id] = (reply.metadata.message_id, tree)
        self._sent -= self._arrived.keys()
        self._without_reply = set(self._sent)

    def _read(self, number: str) -> Message:
        """The reply to a message; SuperLink forgets it then."""
        reply_id, tree = self._arrived.pop(number)
        run_id = self.run.run_id
        try:
            contents = pull_objects(
                [part.object_id for part in iterate_object_tree(tree)],
                make_pull_object_fn_protobuf(self._runtime_client.PullObject, self.node, run_id),
                max_tries_per_object=None,
                initial_backoff=BACKOFF_S,
                backoff_cap=LONGEST_BACKOFF_S,
            )
        except ObjectPullError:
            return _unavailable(number)
        self._runtime_client.ConfirmMessageReceived(
            ConfirmMessageReceivedRequest(node=self.node, run_id=run_id, message_object_id=reply_id)
        )
        message = cast(Message, inflate_object_from_contents(reply_id, contents))
        message.metadata.__dict__["_message_id"] = reply_id
        return message


def _unavailable(number: str) -> Message:
    """In the place of a reply whose upload was interrupted."""
    metadata = Metadata(
        run_id=0, message_id="", src_node_id=0, dst_node_id=0, reply_to_message_id=number, group_id="",
        created_at=0.0, ttl=0.0, message_type="system",
    )  # fmt: skip
    return make_message(metadata, error=Error(ErrorCode.MESSAGE_UNAVAILABLE, ""))
