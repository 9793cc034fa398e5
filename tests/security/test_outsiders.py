"""Who is no hospital sends a gigabyte to the coordinator's port: SuperLink does not notice. A real proxy."""

import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from flwr.supercore.protobuf.constants import PROTOBUF_MEDIA_TYPE

from deploy.coordinator.folder import CoordinatorFolder
from deploy.coordinator.serve import services
from deploy.coordinator.settings import Federation, load_federation
from deploy.coordinator.status import status_document
from deploy.join import free_port
from deploy.supervise import Service, end
from tests.support.coordinator_command import FEDERATION, coordinator
from tests.support.deployed_study import DEPLOYED
from tests.support.processes import wait_until

pytestmark = DEPLOYED

AT_ONCE, BODY = 16, 60_000_000
GROWTH_MB = 20


@pytest.fixture
def federation(tmp_path, capsys) -> Federation:
    path = tmp_path / "federation.toml"
    ports = f'port = {free_port()}\nlisten = "127.0.0.1"\nsuperlink_port = {free_port()}'
    path.write_text(FEDERATION.replace("port = 8443", ports))
    assert coordinator(capsys, "provision", path)[0] == 0
    return load_federation(path)


@pytest.fixture
def parts(federation) -> Iterator[dict[str, Service]]:
    found = {one.name: one for one in services(federation, federation.state.parent / "federation.toml")}
    for name in ("superlink", "proxy"):
        found[name].tend()
    wait_until(lambda: status_document(federation)["serving"], seconds=90, what="SuperLink")
    yield found
    end(list(found.values()))


def peak_mb(process: int) -> float:
    """The most memory that the process ever held, by the kernel's account (VmHWM)."""
    (line,) = [one for one in Path(f"/proc/{process}/status").read_text().splitlines() if "VmHWM" in one]
    return int(line.split()[1]) / 1024


def send(federation: Federation, path: str) -> bytes:
    """As much of a body as the other side takes; the first line of its answer."""
    context = ssl.create_default_context(cafile=CoordinatorFolder(federation.state).ca)
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {PROTOBUF_MEDIA_TYPE}\r\n"
    with (
        socket.create_connection(("127.0.0.1", federation.port), timeout=60) as plain,
        context.wrap_socket(plain, server_hostname="fed.example.org") as channel,
    ):
        channel.sendall(f"{head}Content-Length: {BODY}\r\n\r\n".encode())
        with suppress(OSError):
            for _ in range(BODY // 1_000_000):
                channel.sendall(bytes(1_000_000))
        with suppress(OSError):
            return channel.recv(64).split(b"\r\n")[0]
    return b""


@pytest.mark.parametrize("path", ["/v1/fleet/push-object", "/v1/control/start-run"])
def test_a_gigabyte_of_an_outsider_does_not_reach_superlink(federation, parts, path):
    process = parts["superlink"].process
    assert process is not None
    before = peak_mb(process.pid)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda _: send(federation, path), range(AT_ONCE)))
    assert peak_mb(process.pid) < before + GROWTH_MB
    assert set(answers) <= {b"HTTP/1.1 400 Bad Request", b""}
    assert status_document(federation)["serving"]
