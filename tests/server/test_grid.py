"""The coordinator's Grid before a SuperLink in memory, whose answers are Flower's."""

from typing import Any

import pytest
from flwr.app import ConfigRecord, Message, RecordDict
from flwr.app.message import make_message
from flwr.common.constant import ErrorCode
from flwr.common.serde import message_to_proto
from flwr.proto.message_pb2 import PullObjectResponse, PushObjectResponse
from flwr.proto.runtime_pb2 import PullAppMessagesResponse, PushAppMessagesResponse
from flwr.supercore.inflatable.inflatable_object import get_all_nested_objects, get_object_tree
from flwr.supercore.run import Run
from flwr.supercore.task_identity import TaskIdentity

from server.grid import ReplyGrid

RUN_ID, SUPERLINK = 7, 1


class SuperLink:
    """Takes messages and gives the replies in `replies` (by message id), each once."""

    def __init__(self) -> None:
        self.looks: list[set[str]] = []
        self.replies: dict[str, Message] = {}
        self.objects: dict[str, bytes] = {}
        self.late: dict[str, int] = {}
        self.confirmed: list[str] = []
        self.takes_parts = True

    def reply(self, message: Message, text: str) -> Message:
        reply = Message(RecordDict({"said": ConfigRecord({"text": text})}), reply_to=message)
        reply.metadata.__dict__["_message_id"] = reply.object_id
        self.objects |= {name: one.deflate() for name, one in get_all_nested_objects(reply).items()}
        self.replies[message.metadata.message_id] = reply
        return reply

    def PushMessages(self, request: Any) -> Any:  # noqa: N802
        ids = [message.metadata.message_id for message in request.messages_list]
        wanted = [tree.object_id for tree in request.message_object_trees]
        return PushAppMessagesResponse(message_ids=ids, objects_to_push=wanted, session_id="s")

    def PushObject(self, request: Any) -> Any:  # noqa: N802
        return PushObjectResponse(stored=self.takes_parts)

    def PullMessages(self, request: Any) -> Any:  # noqa: N802
        asked = set(request.message_ids)
        self.looks.append(asked)
        found = [self.replies.pop(number) for number in sorted(asked & self.replies.keys())]
        return PullAppMessagesResponse(
            messages_list=[message_to_proto(make_message(one.metadata, RecordDict())) for one in found],
            message_object_trees=[get_object_tree(one) for one in found],
        )

    def PullObject(self, request: Any) -> Any:  # noqa: N802
        name = request.object_id
        if self.late.get(name):
            self.late[name] -= 1
            return PullObjectResponse(object_found=True, object_available=False)
        content = self.objects.get(name)
        return PullObjectResponse(
            object_found=content is not None, object_available=True, object_content=content or b""
        )

    def ConfirmMessageReceived(self, request: Any) -> None:  # noqa: N802
        self.confirmed.append(request.message_object_id)


@pytest.fixture
def superlink() -> SuperLink:
    return SuperLink()


@pytest.fixture
def grid(superlink: SuperLink, monkeypatch: pytest.MonkeyPatch) -> ReplyGrid:
    for name, value in (("_run_id", RUN_ID), ("_node_id", SUPERLINK), ("_task_id", 1)):
        monkeypatch.setattr(TaskIdentity, name, value)
    monkeypatch.setattr(ReplyGrid, "_runtime_client", superlink)
    grid = ReplyGrid("127.0.0.1:1", True, None, token="t")
    grid.set_run(Run.create_empty(RUN_ID))
    return grid


def sent(grid: ReplyGrid, count: int) -> dict[str, Message]:
    messages = [Message(RecordDict(), node, "query", group_id=str(node)) for node in range(count)]
    ids = [number for message in messages for number in grid.push_messages([message])]
    assert len(set(ids)) == count
    return dict(zip(ids, messages, strict=True))


def pulled(grid: ReplyGrid, number: str) -> str | None:
    """What a message's reply says."""
    replies = list(grid.pull_messages([number]))
    return str(replies[0].content["said"]["text"]) if replies else None


def test_a_round_of_questions_about_all_messages_is_one_look(grid: ReplyGrid, superlink: SuperLink) -> None:
    messages = sent(grid, 5)
    assert [pulled(grid, number) for number in messages] == 5 * [None]
    assert superlink.looks == [set(messages)]
    for number, message in list(messages.items())[:3]:
        superlink.reply(message, number)
    assert [pulled(grid, number) for number in messages] == [*list(messages)[:3], None, None]
    assert len(superlink.looks) == 2 and len(superlink.confirmed) == 3
    rest = list(messages)[3:]
    assert [pulled(grid, number) for number in rest] == [None, None]
    assert superlink.looks[2:] == [set(rest)]


def test_a_reply_that_arrived_is_read_when_it_is_asked_for_and_not_before(
    grid: ReplyGrid, superlink: SuperLink
) -> None:
    messages = sent(grid, 2)
    first, second = messages
    for number, message in messages.items():
        superlink.reply(message, number)
    assert pulled(grid, first) == first and len(superlink.confirmed) == 1
    assert pulled(grid, second) == second and len(superlink.looks) == 1


def test_a_message_sent_after_the_look_is_looked_for(grid: ReplyGrid, superlink: SuperLink) -> None:
    (first,) = sent(grid, 1)
    assert pulled(grid, first) is None
    message = Message(RecordDict(), 9, "query")
    (second,) = grid.push_messages([message])
    superlink.reply(message, "soon")
    assert pulled(grid, second) == "soon"


def test_a_part_that_is_still_on_its_way_is_waited_for(grid: ReplyGrid, superlink: SuperLink) -> None:
    ((number, message),) = sent(grid, 1).items()
    superlink.late = {superlink.reply(message, "late").metadata.message_id: 2}
    assert pulled(grid, number) == "late"


def test_a_reply_whose_upload_broke_off_is_unavailable(grid: ReplyGrid, superlink: SuperLink) -> None:
    ((number, message),) = sent(grid, 1).items()
    superlink.reply(message, "lost")
    superlink.objects.clear()
    (reply,) = grid.pull_messages([number])
    assert reply.error.code == ErrorCode.MESSAGE_UNAVAILABLE and superlink.confirmed == []


def test_a_message_that_superlink_does_not_take_is_unsent(grid: ReplyGrid, superlink: SuperLink) -> None:
    superlink.takes_parts = False
    assert list(grid.push_messages([Message(RecordDict(), 1, "query")])) == [""]
    assert list(grid.pull_messages(["other"])) == [] and superlink.looks == [set()]
