"""What Flower's SuperLink does differently here: less of what no part of pneumofed uses.

SuperLink is one process that uses one core, and a round's requests, many for each hospital, go through it one
after the other. What is changed is changed in this process alone (docs/decisions/0121).
"""

import time
from collections.abc import Callable
from functools import partial
from threading import RLock
from typing import Any

import uvicorn
from flwr.common.constant import Status
from flwr.proto.message_pb2 import ObjectTree
from flwr.server.superlink.linkstate import linkstate_factory
from flwr.server.superlink.linkstate.sql_linkstate import SqlLinkState
from flwr.supercore.corestate.in_memory_corestate import InMemoryCoreState, ObjectPushSession
from flwr.supercore.object_store import ObjectStore, ObjectStoreFactory
from flwr.supercore.object_store.in_memory_object_store import InMemoryObjectStore
from flwr.supercore.run import RunStatus
from flwr.superlink import config_loader, main
from flwr.superlink.routers.control import middlewares as control
from flwr.superlink.routers.fleet.middlewares import FleetEventLogMiddleware
from flwr.superlink.routers.fleet.node_auth import NodeAuthMiddleware

RUNNING_S = 0.5
"""How long a run that was running is taken to run; it is asked at each part of each message."""

CONTROL, FLEET = "/v1/control/", "/v1/fleet/"
NEEDED_BY: dict[Any, str] = {
    control.ControlSensitiveResponseMiddleware: CONTROL,
    control.ControlAuthenticationMiddleware: CONTROL,
    control.ControlLicenseMiddleware: CONTROL,
    control.ControlEventLogMiddleware: CONTROL,
    NodeAuthMiddleware: FLEET,
}
"""Layers around every request that do something for the requests of one API alone."""
IDLE = (FleetEventLogMiddleware,)
"""A layer that does nothing without a plugin, which is not used here."""


def make_lean() -> None:
    """From now on SuperLink in this process works as this module describes."""
    setattr(config_loader, "ObjectStoreFactory", ContentInMemory)  # noqa: B010
    setattr(linkstate_factory, "SqlLinkState", LeanLinkState)  # noqa: B010
    setattr(main, "_get_middleware", partial(needed_layers, main._get_middleware))  # noqa: B010
    # A line for each request would be most of the log; the proxy keeps none either.
    setattr(uvicorn, "run", partial(_run_silently, uvicorn.run))  # noqa: B010


class SharedObjectStore(InMemoryObjectStore):
    """Flower's store in memory; a message's parts are registered all or none.

    Hospitals get the same weights, so the same parts: one hospital's message may be forgotten while that of
    another one is registered.
    """

    def preregister(self, run_id: int, object_tree: ObjectTree) -> list[str]:
        with self.lock_store:
            return super().preregister(run_id, object_tree)


class ContentInMemory(ObjectStoreFactory):
    """Makes the store of messages' content, in memory; nodes, runs and messages are in the database.

    A message whose content was lost, as SuperLink was started again, is asked again by the round loop.
    """

    def __init__(self, database: str) -> None:
        super().__init__()
        self.store_instance: ObjectStore | None = SharedObjectStore()


class LeanLinkState(SqlLinkState):
    """Flower's state in a database; uploads that are under way are kept in memory, as their content is."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._object_push_sessions: dict[str, ObjectPushSession] = {}
        self._object_push_session_by_root: dict[str, str] = {}
        self._lock_object_push_sessions = RLock()
        self._running: dict[int, tuple[float, RunStatus]] = {}

    start_session: Any = InMemoryCoreState.start_session
    delete_sessions_in_run: Any = InMemoryCoreState.delete_sessions_in_run
    preregister_object_tree: Any = InMemoryCoreState.preregister_object_tree
    store_object: Any = InMemoryCoreState.store_object
    get_object: Any = InMemoryCoreState.get_object
    _cleanup_push_session: Any = InMemoryCoreState._cleanup_push_session

    def store_message_and_object_tree(self, *arguments: Any) -> tuple[bool, list[str]]:
        # This lock before the database's, as in the methods above.
        with self._lock_object_push_sessions:
            return super().store_message_and_object_tree(*arguments)

    def store_traffic(self, run_id: int, *, bytes_sent: int, bytes_recv: int) -> None:
        """Nothing: nobody reads it, and it is a transaction for each part of a message."""

    def get_run_status(self, run_ids: set[int]) -> dict[int, RunStatus]:
        """Flower's; that a run is running is known for RUNNING_S."""
        now = time.monotonic()
        known = {run: self._running[run][1] for run in run_ids if self._is_known(run, now)}
        if len(known) == len(run_ids):
            return known
        found = super().get_run_status(run_ids)
        self._running = {r: (now, status) for r, status in found.items() if status.status == Status.RUNNING}
        return found

    def _is_known(self, run_id: int, now: float) -> bool:
        return run_id in self._running and now < self._running[run_id][0] + RUNNING_S


class _OfOneApi:
    """A layer around the requests whose path begins with `prefix`; others pass it by."""

    def __init__(self, app: Any, layer: Any, prefix: str) -> None:
        self._app, self._around, self._prefix = app, layer(app), prefix

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        concerned = scope["type"] != "http" or scope["path"].startswith(self._prefix)
        await (self._around if concerned else self._app)(scope, receive, send)


def needed_layers(flowers: Callable[[], list[Any]]) -> list[Any]:
    """Flower's layers (Starlette's Middleware), each around the requests that it does something for."""
    return [
        type(layer)(_OfOneApi, layer.cls, NEEDED_BY[layer.cls]) if layer.cls in NEEDED_BY else layer
        for layer in flowers()
        if layer.cls not in IDLE
    ]


def _run_silently(run: Callable[..., None], *arguments: Any, **settings: Any) -> None:
    run(*arguments, **{**settings, "access_log": False})
