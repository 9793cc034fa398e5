"""The coordinator's client of the Control API of Flower's SuperLink on this machine."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Self

import httpx
from flwr.common.serde import fab_to_proto, user_config_to_proto
from flwr.proto.control_pb2 import (
    ListNodesRequest,
    ListRunsRequest,
    RegisterNodeRequest,
    StartRunRequest,
    StopRunRequest,
    UnregisterNodeRequest,
)
from flwr.proto.node_pb2 import NodeInfo
from flwr.proto.run_pb2 import Run
from flwr.supercore.constant import NodeStatus
from flwr.supercore.control.control_http_client import ControlHttpClient
from flwr.supercore.fab import Fab
from flwr.supercore.interceptors import RuntimeVersionHttpInterceptor

from deploy.coordinator.folder import CoordinatorFolder
from deploy.coordinator.settings import Federation
from shared_model.bundle import BUNDLE, BUNDLE_SHA256, SETTINGS
from shared_model.errors import PneumofedError
from shared_model.tls import client_context


class SuperLink:
    """A connection to a federation's SuperLink, for a `with` block; it shows the certificate for loopback.

    Raises PneumofedError `not-provisioned`; each call raises `superlink-unreachable`.
    """

    def __init__(self, federation: Federation) -> None:
        certificate = CoordinatorFolder(federation.state).loopback
        if not certificate.exists():
            raise PneumofedError("not-provisioned", "run `pneumofed coordinator provision` first")
        self._client = ControlHttpClient(
            f"https://127.0.0.1:{federation.superlink_port}",
            interceptors=[RuntimeVersionHttpInterceptor(component_name="flwr CLI")],
            verify=client_context(certificate, trusted=certificate),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def nodes(self) -> list[NodeInfo]:
        """Registered nodes: node_id, name, public_key (PEM), status "registered", "online" or "offline"."""
        with _reached():
            nodes = self._client.ListNodes(ListNodesRequest()).nodes_info
        return [node for node in nodes if node.status != NodeStatus.UNREGISTERED]

    def register(self, name: str, public_key: bytes) -> None:
        with _reached():
            self._client.RegisterNode(RegisterNodeRequest(public_key=public_key, name=name))

    def unregister(self, node_id: int) -> None:
        with _reached():
            self._client.UnregisterNode(UnregisterNodeRequest(node_id=node_id))

    def start(self, settings: Mapping[str, str | int | float]) -> int:
        """Start a run of the installed app; returns its id."""
        fab = fab_to_proto(Fab(BUNDLE_SHA256, BUNDLE, {}))
        override = user_config_to_proto({SETTINGS: json.dumps(settings)})
        request = StartRunRequest(fab=fab, override_config=override)
        with _reached():
            return self._client.StartRun(request).run_id

    def run(self, run_id: int) -> Run:
        with _reached():
            return self._client.ListRuns(ListRunsRequest(run_id=run_id)).run_dict[run_id]

    def stop(self, run_id: int) -> None:
        with _reached():
            self._client.StopRun(StopRunRequest(run_id=run_id))


@contextmanager
def _reached() -> Iterator[None]:
    try:
        yield
    except httpx.HTTPError:
        raise PneumofedError(
            "superlink-unreachable", "Flower's SuperLink does not answer; see that `coordinator serve` runs"
        ) from None
