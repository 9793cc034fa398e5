"""The edge proxy as a real nginx before a stand-in for SuperLink that notes what reaches it."""

import http.server
import shutil
import socket
import ssl
import subprocess
import threading
from pathlib import Path

import pytest

from deploy.coordinator.folder import CoordinatorFolder
from deploy.coordinator.provision import provision, renew
from deploy.coordinator.proxy import proxy_command, write_proxy_configuration
from deploy.coordinator.settings import Federation
from deploy.join import free_port
from deploy.supervise import Service, end
from tests.support.processes import wait_until

pytestmark = pytest.mark.skipif(
    shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin") is None, reason="nginx is not installed"
)


class FakeUpstream(http.server.BaseHTTPRequestHandler):
    reached: list[tuple[str, int]] = []

    def do_POST(self) -> None:  # noqa: N802
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.reached.append((self.path, len(body)))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    do_GET = do_PUT = do_DELETE = do_POST  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def federation(tmp_path_factory) -> Federation:
    federation = Federation.model_validate(
        {
            "name": "test",
            "hosts": ["localhost", "127.0.0.1"],
            "port": free_port(),
            "listen": "127.0.0.1",
            "superlink_port": free_port(),
            "state": tmp_path_factory.mktemp("coordinator"),
            "hospitals": [{"name": "north"}],
        }
    )
    provision(federation)
    return federation


@pytest.fixture(scope="module")
def superlink(federation):
    key, certificate = CoordinatorFolder(federation.state).server("superlink")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", federation.superlink_port), FakeUpstream)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def proxy(federation, superlink):
    _, certificate = CoordinatorFolder(federation.state).server("edge")
    service = Service("proxy", proxy_command(write_proxy_configuration(federation)), reload_on=certificate)
    service.tend()
    wait_until(lambda: listening(federation.port), seconds=20, what="nginx")
    yield service
    end([service])


def listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def context_of(federation: Federation) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=CoordinatorFolder(federation.state).ca)


def answer(federation: Federation, request: str, body: bytes = b"", length: int | None = None) -> int:
    """Send a request line exactly as written; the status of the answer."""
    with (
        socket.create_connection(("127.0.0.1", federation.port), timeout=20) as plain,
        context_of(federation).wrap_socket(plain, server_hostname="localhost") as channel,
    ):
        length = len(body) if length is None else length
        head = (f"{request} HTTP/1.1", "Host: localhost", "Connection: close", f"Content-Length: {length}")
        channel.sendall("\r\n".join([*head, "", ""]).encode() + body)
        return int(channel.makefile("rb").readline().split()[1])


@pytest.mark.parametrize(
    "request_line",
    [
        "POST /",
        "POST /v1/control/start-run",
        "POST /v1/runtime/pull-task-input",
        "POST /v1/fleet",
        "POST /v1/fleetx/pull-messages",
        "POST /v1/fleet/../control/start-run",
        "POST /v1/fleet/%2e%2e/control/start-run",
        "POST /v1/fleet/..%2fcontrol/start-run",
        "POST /v1/fleet/./../runtime/get-nodes",
        "POST /V1/FLEET/pull-messages",
        "GET /docs",
        "GET /openapi.json",
        "GET /v1/fleet/pull-messages",
        "PUT /v1/fleet/pull-messages",
    ],
)
def test_nothing_but_the_fleet_api_is_admitted(federation, proxy, request_line):
    before = len(FakeUpstream.reached)
    assert answer(federation, request_line) in (301, 400, 403, 404, 405)
    assert len(FakeUpstream.reached) == before


def test_the_fleet_api_is_reached_with_large_bodies(federation, proxy):
    assert answer(federation, "POST /v1/fleet/push-object", bytes(13_000_000)) == 200
    assert FakeUpstream.reached[-1] == ("/v1/fleet/push-object", 13_000_000)


def test_a_body_of_rubbish_without_end_is_refused(federation, proxy):
    before = len(FakeUpstream.reached)
    assert answer(federation, "POST /v1/fleet/push-object", length=2**30) == 413
    assert len(FakeUpstream.reached) == before


def test_old_tls_and_strangers_certificates_are_no_way_in(federation, proxy):
    old = context_of(federation)
    old.minimum_version = ssl.TLSVersion.TLSv1_2
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    for context, works in ((old, True), (ssl.create_default_context(), False)):
        with socket.create_connection(("127.0.0.1", federation.port), timeout=20) as plain:
            if works:
                context.wrap_socket(plain, server_hostname="localhost").close()
            else:
                with pytest.raises(ssl.SSLCertVerificationError):
                    context.wrap_socket(plain, server_hostname="localhost")


def serial(federation: Federation) -> bytes:
    with (
        socket.create_connection(("127.0.0.1", federation.port), timeout=20) as plain,
        context_of(federation).wrap_socket(plain, server_hostname="localhost") as channel,
    ):
        certificate = channel.getpeercert(binary_form=True)
        assert certificate is not None
        return certificate


def test_a_renewed_certificate_is_taken_up_by_the_same_process(federation, proxy):
    before, process = serial(federation), proxy.process.pid
    renew(federation)

    def taken_up() -> bool:
        proxy.tend()
        return serial(federation) != before

    wait_until(taken_up, seconds=20, what="the new certificate")
    assert proxy.process.pid == process


def test_openssl_sees_only_modern_tls(federation, proxy):
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{federation.port}", "-tls1_1"],
        input=b"", capture_output=True,
    )  # fmt: skip
    assert done.returncode != 0


def test_the_configuration_is_one_that_nginx_accepts(federation):
    command = proxy_command(write_proxy_configuration(federation))
    done = subprocess.run([*command, "-t"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert Path(command[-1]).parent == CoordinatorFolder(federation.state).proxy
