"""Rounds of plain Flower FedAvg on loopback: Flower's own programs and settings, without TLS or proxy."""

import hashlib
import os
from contextlib import ExitStack
from pathlib import Path

import httpx
from flwr.cli.build import build_fab_from_disk
from flwr.common.serde import fab_to_proto, user_config_to_proto
from flwr.proto.control_pb2 import ListNodesRequest, StartRunRequest
from flwr.supercore.control.control_http_client import ControlHttpClient
from flwr.supercore.fab import Fab
from flwr.supercore.interceptors import RuntimeVersionHttpInterceptor

from deploy.environment import BIN, quiet_environment
from deploy.join import free_port
from tests.support.processes import running, wait_until

APP = Path(__file__).parent / "flower_app"


def plain_rounds(folder: Path, weights: Path, *, nodes: int, rounds: int) -> list[float]:
    """Seconds of each round but the first."""
    os.environ |= quiet_environment(folder / "flower")
    (folder / "flower").mkdir()
    port, times = free_port(), folder / "times"
    address = f"127.0.0.1:{port}"
    superlink = [str(BIN / "flower-superlink"), "--insecure", "--host", "127.0.0.1", "--port", str(port)]
    with ExitStack() as started:
        started.enter_context(running(superlink, folder / "superlink.log"))
        control = ControlHttpClient.from_server_address(
            server_address=address,
            insecure=True,
            root_certificates=None,
            interceptors=[RuntimeVersionHttpInterceptor(component_name="flwr CLI")],
        )
        started.callback(control.close)
        for number in range(nodes):
            node = [str(BIN / "flower-supernode"), "--insecure", "--superlink", address]
            node += ["--host", "127.0.0.1", "--port", str(free_port())]
            started.enter_context(running(node, folder / f"node-{number}.log"))
        wait_until(lambda: _online(control) == nodes, seconds=180, what="all nodes online")
        bundle = build_fab_from_disk(APP)
        settings: dict[str, bool | float | int | str] = {
            "weights": str(weights),
            "times": str(times),
            "rounds": rounds,
            "nodes": nodes,
        }
        control.StartRun(
            StartRunRequest(
                fab=fab_to_proto(Fab(hashlib.sha256(bundle).hexdigest(), bundle, {})),
                override_config=user_config_to_proto(settings),
            )
        )
        wait_until(lambda: len(_lines(times)) == rounds + 1, seconds=300 * rounds, what="all rounds")
    ends = [float(line) for line in _lines(times)]
    return [after - before for before, after in zip(ends[1:], ends[2:], strict=False)]


def _online(control: ControlHttpClient) -> int:
    try:
        nodes = control.ListNodes(ListNodesRequest()).nodes_info
    except httpx.HTTPError:
        return 0
    return sum(node.status == "online" for node in nodes)


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []
