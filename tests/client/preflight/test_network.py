"""The way to the coordinator, against real TLS servers on loopback that are wrong in one thing each."""

import contextlib
import http.server
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from client.hospital_settings import CoordinatorAddress
from client.preflight.check_result import CheckResult
from client.preflight.network import check_network
from deploy.coordinator.certificates import (
    key_to_pem,
    new_ca,
    new_client_certificate,
    new_key,
    new_server_certificate,
)
from deploy.join import free_port

CA_KEY = new_key()
CA = new_ca("test", CA_KEY)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def ca(tmp_path) -> Path:
    """The federation's CA, and beside it what the hospital shows."""
    path, key = tmp_path / "ca.crt", new_key()
    path.write_bytes(CA.public_bytes(Encoding.PEM))
    shown = new_client_certificate("north", key, CA, CA_KEY).public_bytes(Encoding.PEM)
    (tmp_path / "client.crt").write_bytes(shown)
    (tmp_path / "client.key").write_bytes(key_to_pem(key))
    return path


class Server(http.server.ThreadingHTTPServer):
    """Answers with a Date that is `ahead_s` of this machine's, and only after `delay_s`."""

    daemon_threads = True
    ahead_s = delay_s = 0.0
    received = 0

    def handle_error(self, *_: object) -> None:
        """Clients that refuse the certificate are what these tests are about."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:  # noqa: N802
        time.sleep(self.server.delay_s)
        self.send_response(404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:  # noqa: N802
        while piece := self.rfile.read(65_536):
            self.server.received += len(piece)

    def date_time_string(self, timestamp: float | None = None) -> str:
        return formatdate(time.time() + self.server.ahead_s, usegmt=True)

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def serving(tmp_path: Path, certificate: x509.Certificate, key) -> Iterator[Server]:
    path = tmp_path / "server.pem"
    path.write_bytes(certificate.public_bytes(Encoding.PEM) + key_to_pem(key))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    with Server(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def certificate_of(key, *, hosts=("localhost", "127.0.0.1"), issuer=CA, issuer_key=CA_KEY, days=365):
    return new_server_certificate(hosts, key, issuer, issuer_key, days=days)


def checked(address: str, ca: Path) -> dict[str, CheckResult]:
    coordinator = CoordinatorAddress(address=address, ca=ca, certificate=ca.with_name("client.crt"))
    return {row.check: row for row in check_network(coordinator)}


def looked(server: Server, ca: Path) -> dict[str, CheckResult]:
    return checked(f"localhost:{server.server_address[1]}", ca)


def states(rows: dict[str, CheckResult]) -> dict[str, str]:
    return {check: row.state for check, row in rows.items()}


GOOD = ("dns", "proxy", "connection", "interception", "tls", "clock", "latency", "bandwidth")


def test_a_coordinator_as_it_should_be(tmp_path, ca):
    key = new_key()
    with serving(tmp_path, certificate_of(key), key) as server:
        rows = looked(server, ca)
    assert states(rows) == dict.fromkeys(GOOD, "ok")
    assert not any(row.remedy for row in rows.values())
    assert server.received >= 4_000_000


@pytest.mark.parametrize(
    ("ahead", "state", "words"),
    [(-60, "fail", "ahead of"), (60, "fail", "behind"), (5, "warn", "behind"), (-5, "warn", "ahead of")],
)
def test_a_clock_that_is_wrong(tmp_path, ca, ahead, state, words):
    key = new_key()
    with serving(tmp_path, certificate_of(key), key) as server:
        server.ahead_s = ahead
        row = looked(server, ca)["clock"]
    assert row.state == state and words in row.found and "NTP" in row.remedy
    assert abs(float(row.found.split()[0]) - abs(ahead)) < 1


def test_a_long_way_is_told(tmp_path, ca):
    key = new_key()
    with serving(tmp_path, certificate_of(key), key) as server:
        server.delay_s = 0.6
        row = looked(server, ca)["latency"]
    assert row.state == "warn" and float(row.found.split()[0]) >= 600


def test_another_ca_is_called_interception_and_named(tmp_path, ca):
    key, other_key = new_key(), new_key()
    other = new_ca("inspecting firewall", other_key)
    with serving(tmp_path, certificate_of(key, issuer=other, issuer_key=other_key), key) as server:
        rows = looked(server, ca)
    assert rows["interception"].state == "fail" and "inspecting firewall" in rows["interception"].found
    assert "tls" not in rows and "clock" not in rows


def test_a_ca_of_the_same_name_and_another_key_is_no_way_in(tmp_path, ca):
    key, other_key = new_key(), new_key()
    other = new_ca("test", other_key)
    with serving(tmp_path, certificate_of(key, issuer=other, issuer_key=other_key), key) as server:
        rows = looked(server, ca)
    assert rows["tls"].state == "fail" and "not the coordinator's" in rows["tls"].found


def in_force(key, start: timedelta, end: timedelta) -> x509.Certificate:
    """The coordinator's certificate with other dates, from now."""
    made, now = certificate_of(key), datetime.now(UTC)
    builder = x509.CertificateBuilder(
        made.issuer, made.subject, key.public_key(), made.serial_number, now + start, now + end
    )
    for extension in made.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    return builder.sign(CA_KEY, hashes.SHA256())


@pytest.mark.parametrize(
    ("start", "end", "state", "words"),
    [
        (-10, -1, "fail", "has expired"),
        (1, 10, "fail", "not in force yet"),
        (-10, 3, "warn", "in force until"),
    ],
)
def test_certificates_out_of_date_or_soon(tmp_path, ca, start, end, state, words):
    key = new_key()
    with serving(tmp_path, in_force(key, timedelta(days=start), timedelta(days=end)), key) as server:
        row = looked(server, ca)["tls"]
    assert row.state == state and words in row.found and row.remedy


def test_a_certificate_for_another_name(tmp_path, ca):
    key = new_key()
    with serving(tmp_path, certificate_of(key, hosts=("fed.example.org",)), key) as server:
        row = looked(server, ca)["tls"]
    assert row.state == "fail" and "localhost" in row.found and "address" in row.remedy


def test_a_closed_port_and_a_server_without_tls(tmp_path, ca):
    rows = checked(f"127.0.0.1:{free_port()}", ca)
    assert rows["connection"].state == "fail" and "firewall" in rows["connection"].remedy
    with Server(("127.0.0.1", 0), Handler) as plain:
        thread = threading.Thread(target=plain.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        rows = looked(plain, ca)
        plain.shutdown()
        thread.join()
    assert rows["tls"].state == "fail" and "no TLS" in rows["tls"].found


def test_a_name_that_nobody_knows_and_a_ca_that_is_not_there(ca, tmp_path):
    rows = checked("no-such-host.invalid:443", ca)
    assert rows["dns"].state == "fail" and rows["connection"].state == "fail"
    rows = checked(f"127.0.0.1:{free_port()}", tmp_path / "none.crt")
    assert rows["tls"].state == "fail" and "the federation's CA" in rows["tls"].found


class Tunnel(socketserver.StreamRequestHandler):
    """A proxy that takes CONNECT and joins both sides."""

    asked: list[bytes] = []

    def handle(self) -> None:
        head = [self.rfile.readline()]
        while head[-1] not in (b"\r\n", b""):
            head.append(self.rfile.readline())
        self.asked.append(b"".join(head))
        host, _, port = head[0].split()[1].decode().rpartition(":")
        with socket.create_connection((host, int(port))) as far:
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            thread = threading.Thread(target=_copy, args=(far, self.connection))
            thread.start()
            _copy(self.connection, far)
            thread.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(65_536):
            target.sendall(piece)
    for one in (source, target):
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


def test_through_a_proxy_that_asks_for_a_password(tmp_path, ca, monkeypatch):
    key = new_key()
    with (
        serving(tmp_path, certificate_of(key), key) as server,
        socketserver.ThreadingTCPServer(("127.0.0.1", 0), Tunnel) as proxy,
    ):
        thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:p%40ss@127.0.0.1:{proxy.server_address[1]}")
        rows = looked(server, ca)
        proxy.shutdown()
        thread.join()
    assert states(rows) == dict.fromkeys(GOOD, "ok")
    assert "p%40ss" not in str(rows) and "p@ss" not in str(rows)
    assert f"127.0.0.1:{proxy.server_address[1]}" in rows["proxy"].found
    assert b"Proxy-Authorization: Basic bWU6cEBzcw==" in Tunnel.asked[0]
