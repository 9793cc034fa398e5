"""What is different in SuperLink, on Flower's own state and layers."""

import asyncio
import hashlib
import warnings
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from flwr.app import Array, ArrayRecord, Message, RecordDict
from flwr.common.constant import Status
from flwr.server.superlink.linkstate.sql_linkstate import SqlLinkState
from flwr.supercore.inflatable.inflatable_object import get_all_nested_objects, get_object_tree
from flwr.supercore.object_store import in_memory_object_store
from flwr.supercore.run import RunStatus
from flwr.supercore.task_identity import TaskIdentity
from flwr.superlink import main
from flwr.superlink.config_loader import get_federation_manager
from starlette.middleware import Middleware

from deploy.coordinator import lean_superlink
from deploy.coordinator.lean_superlink import (
    IDLE,
    NEEDED_BY,
    RUNNING_S,
    LeanLinkState,
    SharedObjectStore,
    needed_layers,
)

RUN = 5


def message(to: int) -> Message:
    """The same weights for every node."""
    weights = ArrayRecord({"all": Array("uint8", (3,), "packed", b"abc")})
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("_run_id", RUN), ("_node_id", 1), ("_task_id", 1)):
            patch.setattr(TaskIdentity, name, value)
        made = Message(RecordDict({"weights": weights}), to, "train")
    made.metadata.__dict__["_message_id"] = made.object_id
    return made


def test_a_message_is_registered_whole_while_another_one_with_the_same_weights_is_forgotten(monkeypatch):
    store, first, second = SharedObjectStore(), message(1), message(2)
    store.preregister(RUN, get_object_tree(first))
    for name, part in get_all_nested_objects(first).items():
        store.put(name, part.deflate())
    deleting = Thread(target=store.delete, args=(first.object_id,))
    iterate = in_memory_object_store.iterate_object_tree

    def interrupted(tree: Any) -> Any:
        for number, part in enumerate(iterate(tree)):
            if number == 1:  # the first part is known to be there
                deleting.start()
                deleting.join(0.3)
            yield part

    monkeypatch.setattr(in_memory_object_store, "iterate_object_tree", interrupted)
    missing = store.preregister(RUN, get_object_tree(second))
    deleting.join()
    assert missing == [second.object_id]
    assert first.object_id not in store
    shared = get_all_nested_objects(second).keys() - {second.object_id}
    assert all(store.get(name) for name in shared)


@pytest.fixture
def state(tmp_path) -> LeanLinkState:
    made = LeanLinkState(
        str(tmp_path / "superlink.db"), get_federation_manager(is_simulation=False), SharedObjectStore()
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of Alembic, for Flower's migrations
        made.initialize()
    return made


def test_an_upload_is_taken_part_by_part_and_nothing_of_it_is_on_disk(state, tmp_path):
    sent = message(1)
    session = state.start_session(RUN)
    missing = state.preregister_object_tree(get_object_tree(sent), session)
    parts = {name: part.deflate() for name, part in get_all_nested_objects(sent).items()}
    assert set(missing) == set(parts)
    assert state.get_object(RUN, sent.object_id) == b""
    assert not state.store_object(RUN, session, "0" * 64, b"unasked")
    assert not state.store_object(RUN + 1, session, sent.object_id, parts[sent.object_id])
    assert all(state.store_object(RUN, session, name, content) for name, content in parts.items())
    assert all(state.get_object(RUN, name) == content for name, content in parts.items())
    assert not state.store_object(RUN, session, sent.object_id, parts[sent.object_id])  # it is complete
    database = b"".join(path.read_bytes() for path in Path(tmp_path).iterdir())
    assert hashlib.sha256(b"abc").digest() not in database and b"packed" not in database


def test_another_upload_of_the_same_message_takes_over(state):
    sent = message(1)
    sessions = [state.start_session(RUN) for _ in range(2)]
    for session in sessions:
        state.preregister_object_tree(get_object_tree(sent), session)
    content = sent.deflate()
    assert [state.store_object(RUN, one, sent.object_id, content) for one in sessions] == [False, True]


def test_that_a_run_is_running_is_known_for_a_moment_and_that_it_ended_at_once(state, monkeypatch):
    now, asked, status = [100.0], [], [Status.STARTING]

    def ask(self: Any, run_ids: set[int]) -> dict[int, RunStatus]:
        asked.append(now[0])
        return {run: RunStatus(status[0], "", "") for run in run_ids}

    monkeypatch.setattr(SqlLinkState, "get_run_status", ask)
    monkeypatch.setattr(lean_superlink.time, "monotonic", lambda: now[0])

    def at(moment: float) -> str:
        now[0] = moment
        return state.get_run_status({RUN})[RUN].status

    assert (at(100.0), at(100.1)) == (Status.STARTING, Status.STARTING) and len(asked) == 2
    status[0] = Status.RUNNING
    assert (at(101.0), at(101.0 + RUNNING_S / 2)) == (Status.RUNNING, Status.RUNNING) and len(asked) == 3
    status[0] = Status.FINISHED
    assert at(101.0 + RUNNING_S) == Status.FINISHED
    assert at(101.1 + RUNNING_S) == Status.FINISHED and len(asked) == 5


def test_every_layer_of_flowers_is_kept_around_the_requests_that_it_is_for():
    flowers = [layer.cls for layer in main._get_middleware()]
    assert set(NEEDED_BY) | set(IDLE) <= set(flowers)  # another version's layers would have to be looked at
    assert len(needed_layers(main._get_middleware)) == len(flowers) - len(IDLE)
    assert len(flowers) == 8


@pytest.mark.parametrize(
    ("path", "passed"),
    [
        ("/v1/control/start-run", ["control"]),
        ("/v1/fleet/pull-object", ["fleet"]),
        ("/v1/runtime/acquire-task", []),
        ("/v1/controlled", []),
    ],
)
def test_a_request_passes_the_layers_of_its_own_api(monkeypatch, path, passed):
    seen: list[str] = []

    def layer(name: str) -> Any:
        class Layer:
            def __init__(self, app: Any) -> None:
                self.app = app

            async def __call__(self, *call: Any) -> None:
                seen.append(name)
                await self.app(*call)

        return Layer

    control, fleet = layer("control"), layer("fleet")
    monkeypatch.setattr(lean_superlink, "NEEDED_BY", {control: "/v1/control/", fleet: "/v1/fleet/"})

    async def app(*call: Any) -> None:
        seen.append("app")

    wrapped: Any = app
    for one in reversed(needed_layers(lambda: [Middleware(control), Middleware(fleet)])):
        wrapped = one.cls(wrapped, *one.args, **one.kwargs)
    asyncio.run(wrapped({"type": "http", "path": path}, None, None))
    assert seen == [*passed, "app"]
