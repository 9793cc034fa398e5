"""Another user of the machine reaches the ports on loopback, and nothing behind them.

Such a user knows the addresses, every certificate and how Flower's clients work, but no private key. At the
coordinator that is SuperLink, with a real one; a hospital's node has no port.
"""

import os
import socket
import ssl
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from flwr.proto.control_pb2 import ListRunsRequest, RegisterNodeRequest, StartRunRequest
from flwr.proto.fleet_pb2 import RegisterNodeFleetRequest
from flwr.proto.runtime_pb2 import AcquireTaskRequest
from flwr.supercore.control.control_http_client import ControlHttpClient
from flwr.supercore.interceptors import RuntimeVersionHttpInterceptor
from flwr.supercore.runtime import RuntimeHttpClient
from flwr.supernode.fleet_http_client import FleetHttpClient

from deploy.coordinator.certificates import new_key, node_key_files
from deploy.coordinator.folder import CoordinatorFolder
from deploy.coordinator.serve import superlink_command
from deploy.coordinator.settings import Federation, load_federation
from deploy.coordinator.superlink import SuperLink
from deploy.environment import flower_environment
from deploy.join import free_port
from deploy.loopback import ensure_certificate
from deploy.supervise import Service, end
from shared_model.errors import PneumofedError
from shared_model.tls import client_context
from tests.support.coordinator_command import FEDERATION, coordinator
from tests.support.deployed_study import DEPLOYED
from tests.support.processes import pneumofed, running, wait_until

pytestmark = DEPLOYED

PUBLIC_KEY = node_key_files(new_key())[1]


@pytest.fixture
def federation(tmp_path, capsys) -> Federation:
    path = tmp_path / "federation.toml"
    path.write_text(
        FEDERATION.replace("port = 8443", f"port = {free_port()}\nsuperlink_port = {free_port()}")
    )
    assert coordinator(capsys, "provision", path)[0] == 0
    return load_federation(path)


@pytest.fixture
def superlink(federation) -> Iterator[str]:
    """SuperLink's address. The CA's key is kept elsewhere."""
    folder = CoordinatorFolder(federation.state)
    folder.ca_key.unlink()
    service = Service("superlink", superlink_command(federation), flower_environment(folder.flower_home))
    service.tend()
    wait_until(lambda: nodes(federation) is not None, seconds=90, what="SuperLink")
    yield f"127.0.0.1:{federation.superlink_port}"
    end([service])


def nodes(federation: Federation) -> list[object] | None:
    try:
        with SuperLink(federation) as known:
            return list(known.nodes())
    except PneumofedError:
        return None


def attacks(address: str, tls: ssl.SSLContext) -> dict[str, int | str]:
    """What a client of each of Flower's APIs gets: an answer's type, a status, or the name of what broke."""
    version, url = [RuntimeVersionHttpInterceptor(component_name="flwr CLI")], f"https://{address}"
    with (
        ControlHttpClient(url, interceptors=version, verify=tls) as control,
        RuntimeHttpClient(url, interceptors=version, verify=tls) as runtime,
        FleetHttpClient(url, interceptors=version, verify=tls) as fleet,
    ):
        node = RegisterNodeRequest(public_key=PUBLIC_KEY, name="mine")
        return {
            "start": outcome(lambda: control.StartRun(StartRunRequest())),
            "list": outcome(lambda: control.ListRuns(ListRunsRequest())),
            "register": outcome(lambda: control.RegisterNode(node)),
            "acquire": outcome(lambda: runtime.AcquireTask(AcquireTaskRequest())),
            "fleet": outcome(lambda: fleet.RegisterNode(RegisterNodeFleetRequest(public_key=PUBLIC_KEY))),
            "documentation": outcome(lambda: httpx.get(f"{url}/docs", verify=tls)),
        }


def outcome(request: Callable[[], object]) -> int | str:
    try:
        return type(request()).__name__
    except httpx.HTTPStatusError as refused:
        return refused.response.status_code
    except httpx.TransportError as broken:
        return type(broken).__name__


BROKEN = {"ConnectError", "ReadError", "WriteError", "RemoteProtocolError"}


def own_certificate(folder: Path, trusted: Path) -> ssl.SSLContext:
    ensure_certificate(folder / "mine.crt")  # of the same name and kind as the real one
    return client_context(folder / "mine.crt", trusted=trusted)


def test_nobody_without_the_coordinators_own_key_is_answered_by_superlink(federation, superlink, tmp_path):
    folder = CoordinatorFolder(federation.state)
    public = ssl.create_default_context(cafile=folder.loopback)
    for tls in (public, own_certificate(tmp_path, folder.loopback), hospitals_certificate(folder, tmp_path)):
        assert set(attacks(superlink, tls).values()) <= BROKEN
    assert nodes(federation) == []
    known = client_context(folder.loopback, trusted=folder.loopback)
    answers = attacks(superlink, known)
    assert not BROKEN & set(answers.values()) and answers["list"] == "ListRunsResponse"
    assert [node.name for node in nodes(federation)] == ["mine"]


def hospitals_certificate(folder: CoordinatorFolder, where: Path) -> ssl.SSLContext:
    """A hospital's certificate, with its key, opens the proxy and not SuperLink."""
    with zipfile.ZipFile(folder.kit("north")) as kit:
        kit.extractall(where)
    return client_context(where / "north" / "client.crt", trusted=folder.loopback)


def test_a_node_listens_to_nobody(federation, tmp_path):
    hospitals_certificate(CoordinatorFolder(federation.state), tmp_path)
    site, log = tmp_path / "north" / "hospital.toml", tmp_path / "node.log"
    with socket.create_server(("127.0.0.1", 0)):
        assert len(listening(os.getpid())) == 1
    with running(pneumofed("hospital", "node", "--site", site), log) as node:
        wait_until(lambda: "does not answer" in log.read_text(), seconds=120, what="its first call")
        assert listening(node.pid) == [] and children(node.pid) == ""


def listening(process: int) -> list[str]:
    """Where a process waits for connections: address and port as the kernel writes them."""
    mine = set()
    for descriptor in Path(f"/proc/{process}/fd").iterdir():
        with suppress(FileNotFoundError):  # it was just closed
            mine.add(os.readlink(descriptor))
    files = [Path(f"/proc/net/{kind}") for kind in ("tcp", "tcp6")]
    lines = [line.split() for file in files for line in file.read_text().splitlines()]
    return [fields[1] for fields in lines if fields[3] == "0A" and f"socket:[{fields[9]}]" in mine]


def children(process: int) -> str:
    return "".join(task.joinpath("children").read_text() for task in Path(f"/proc/{process}/task").iterdir())
