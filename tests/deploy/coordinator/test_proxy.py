"""The edge proxy as a real nginx before a stand-in for SuperLink that notes what reaches it."""

import contextlib
import http.client
import http.server
import shutil
import socket
import ssl
import subprocess
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from deploy.coordinator import certificates
from deploy.coordinator.folder import CoordinatorFolder
from deploy.coordinator.provision import new_kit, provision, renew, revoke
from deploy.coordinator.proxy import AT_ONCE, proxy_command, write_proxy_configuration
from deploy.coordinator.settings import Federation
from deploy.join import free_port
from deploy.supervise import Service, end
from shared_model.tls import client_context
from tests.support.processes import wait_until

pytestmark = pytest.mark.skipif(
    shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin") is None, reason="nginx is not installed"
)


class FakeUpstream(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    reached: list[tuple[str, int]] = []
    connections: list[tuple[str, int]] = []
    held = threading.Event()  # answers wait for it
    held.set()

    def setup(self) -> None:
        self.connections.append(self.client_address)
        super().setup()

    def do_POST(self) -> None:  # noqa: N802
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.reached.append((self.path, len(body)))
        self.held.wait(20)
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
            "hospitals": [{"name": "north"}, {"name": "south"}],
        }
    )
    provision(federation)
    return federation


@pytest.fixture(scope="module")
def superlink(federation):
    certificate = CoordinatorFolder(federation.state).loopback
    server = http.server.ThreadingHTTPServer(("127.0.0.1", federation.superlink_port), FakeUpstream)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    context.load_verify_locations(certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def proxy(federation, superlink):
    folder = CoordinatorFolder(federation.state)
    files = (folder.edge[1], folder.admitted)
    service = Service("proxy", proxy_command(write_proxy_configuration(federation)), reload_on=files)
    service.tend()
    wait_until(lambda: listening(federation.port), seconds=20, what="nginx")
    yield service
    end([service])


def listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def north(federation, tmp_path_factory) -> ssl.SSLContext:
    """What the kit gives its hospital."""
    return unpacked(federation, "north", tmp_path_factory.mktemp("north"))


def unpacked(federation: Federation, hospital: str, folder: Path) -> ssl.SSLContext:
    with zipfile.ZipFile(CoordinatorFolder(federation.state).kit(hospital)) as kit:
        kit.extractall(folder)
    kit_files = folder / hospital
    return client_context(kit_files / "client.crt", trusted=kit_files / "ca.crt")


def stranger(federation: Federation) -> ssl.SSLContext:
    """Knows the CA and shows no certificate."""
    return ssl.create_default_context(cafile=CoordinatorFolder(federation.state).ca)


def answer(
    federation: Federation,
    context: ssl.SSLContext,
    request: str,
    body: bytes = b"",
    length: int | None = None,
) -> int:
    """Send a request line exactly as written; the status of the answer."""
    with (
        socket.create_connection(("127.0.0.1", federation.port), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as channel,
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
def test_nothing_but_the_fleet_api_is_admitted(federation, proxy, north, request_line):
    before = len(FakeUpstream.reached)
    assert answer(federation, north, request_line) in (301, 400, 403, 404, 405)
    assert len(FakeUpstream.reached) == before


def test_a_hospital_reaches_the_fleet_api_with_what_flower_sends(federation, proxy, north):
    assert answer(federation, north, "POST /v1/fleet/push-object", bytes(2_200_000)) == 200
    assert FakeUpstream.reached[-1] == ("/v1/fleet/push-object", 2_200_000)


def test_requests_share_connections_to_superlink(federation, proxy, north):
    before = len(FakeUpstream.connections)
    for _ in range(20):
        assert answer(federation, north, "POST /v1/fleet/pull-object") == 200
    # One for each of nginx's two processes; one more if this machine stood still for 4 s.
    assert len(FakeUpstream.connections) - before <= 4


@pytest.mark.parametrize("length", [5_000_000, 60_000_000, 2**30])
def test_a_longer_body_is_refused(federation, proxy, north, length):
    before = len(FakeUpstream.reached)
    assert answer(federation, north, "POST /v1/fleet/push-object", length=length) == 413
    assert len(FakeUpstream.reached) == before


def certified(tmp_path: Path, federation: Federation, ca, ca_key, *, server: bool = False) -> ssl.SSLContext:
    """A client that shows a certificate which `ca` signed."""
    key, shown = certificates.new_key(), tmp_path / "shown.crt"
    made = (
        certificates.new_server_certificate(["north"], key, ca, ca_key, days=9)
        if server
        else certificates.new_client_certificate("north", key, ca, ca_key)
    )
    shown.write_bytes(made.public_bytes(Encoding.PEM))
    shown.with_suffix(".key").write_bytes(certificates.key_to_pem(key))
    return client_context(shown, trusted=CoordinatorFolder(federation.state).ca)


@pytest.mark.parametrize("who", ["nobody", "another CA", "a CA of the same name", "not listed", "a server"])
def test_who_shows_no_certificate_of_a_hospital_reaches_nothing(federation, proxy, tmp_path, who):
    folder, own_key = CoordinatorFolder(federation.state), certificates.new_key()
    if who == "nobody":
        context = stranger(federation)
    elif who in ("another CA", "a CA of the same name"):
        other = certificates.new_ca("test" if "same" in who else "other", own_key)
        context = certified(tmp_path, federation, other, own_key)
    else:
        ca = x509.load_pem_x509_certificate(folder.ca.read_bytes())
        ca_key = certificates.key_from_pem(folder.ca_key.read_bytes())
        context = certified(tmp_path, federation, ca, ca_key, server=who == "a server")
    before = len(FakeUpstream.reached)
    assert answer(federation, context, "POST /v1/fleet/pull-messages") in (400, 401)
    assert len(FakeUpstream.reached) == before


def test_a_certificate_with_a_listed_serial_number_needs_the_federations_ca(
    federation, proxy, tmp_path, monkeypatch
):
    """Serial numbers are no secret: whoever sees a hospital's connection can read one."""
    shown = CoordinatorFolder(federation.state).certificate("north").read_bytes()
    serial = x509.load_pem_x509_certificate(shown).serial_number
    monkeypatch.setattr(x509, "random_serial_number", lambda: serial)
    own_key = certificates.new_key()
    context = certified(tmp_path, federation, certificates.new_ca("test", own_key), own_key)
    before = len(FakeUpstream.reached)
    assert answer(federation, context, "POST /v1/fleet/pull-messages") == 400
    assert len(FakeUpstream.reached) == before


@pytest.mark.parametrize(
    "guard",
    [
        "ssl_session_cache off;", "ssl_session_tickets off;", "client_header_timeout 10s;",
        "limit_req zone=request_rate burst=100 nodelay;", "proxy_ssl_verify on;",
    ],
)  # fmt: skip
def test_a_guard_that_no_request_of_these_tests_meets_is_in_the_configuration(federation, guard):
    """They count only under load, over time, or once another process has SuperLink's port."""
    assert guard in write_proxy_configuration(federation).read_text()


def test_a_revoked_hospital_is_out_at_once_and_in_again_with_a_new_kit(federation, proxy, tmp_path):
    def answered(context: ssl.SSLContext, code: int) -> bool:
        proxy.tend()
        return answer(federation, context, "POST /v1/fleet/pull-messages") == code

    process, old = proxy.process.pid, unpacked(federation, "south", tmp_path / "old")
    assert answered(old, 200)
    revoke(federation, "south")
    wait_until(lambda: answered(old, 401), seconds=20, what="the revocation")
    new_kit(federation, "south")
    new = unpacked(federation, "south", tmp_path / "new")
    wait_until(lambda: answered(new, 200), seconds=20, what="the new certificate")
    assert answered(old, 401) and proxy.process.pid == process


def test_an_open_connection_does_not_outlive_a_revocation(federation, proxy, tmp_path):
    new_kit(federation, "south")
    context = unpacked(federation, "south", tmp_path)
    line = http.client.HTTPSConnection("localhost", federation.port, context=context, timeout=20)

    def is_answered() -> bool:
        """On a new connection: for a moment a worker with the list of before may still take one."""
        proxy.tend()
        line.close()
        line.request("POST", "/v1/fleet/x")
        return line.getresponse().read() == b"ok"

    with contextlib.closing(line):
        wait_until(is_answered, seconds=20)
        revoke(federation, "south")
        wait_until(lambda: proxy.tend() or answer(federation, context, "POST /") == 401, seconds=20)
        with contextlib.suppress(http.client.RemoteDisconnected, ConnectionError):
            line.request("POST", "/v1/fleet/x")
            assert line.getresponse().status == 401


def test_one_hospital_has_a_bounded_number_of_requests_at_once(federation, proxy, north):
    FakeUpstream.held.clear()
    with ThreadPoolExecutor(3 * AT_ONCE) as pool:
        asked = [pool.submit(answer, federation, north, "POST /v1/fleet/x") for _ in range(3 * AT_ONCE)]
        wait_until(lambda: sum(one.done() for one in asked) >= 2 * AT_ONCE, seconds=20)
        FakeUpstream.held.set()
        codes = [one.result() for one in asked]
    assert codes.count(200) == AT_ONCE and codes.count(503) == 2 * AT_ONCE


def test_old_tls_and_strangers_certificates_are_no_way_in(federation, proxy):
    old = stranger(federation)
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
        stranger(federation).wrap_socket(plain, server_hostname="localhost") as channel,
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
