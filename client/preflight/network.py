"""Preflight checks of the network: DNS, proxy, connection, TLS, and the issuer of the certificate.

They contact the coordinator alone, and send the hospital's certificate, empty requests and zeros.
"""

import base64
import http.client
import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from cryptography import x509

from client.hospital_settings import CoordinatorAddress
from client.preflight.check_result import CheckResult, fail, ok, warn
from client.preflight.speed import check_speed
from shared_model.tls import client_context

CONNECT_S = 10.0
SOON = timedelta(days=14)
EXPIRED, NOT_YET = 10, 9  # X509_V_ERR_CERT_HAS_EXPIRED, X509_V_ERR_CERT_NOT_YET_VALID


@dataclass(frozen=True)
class Route:
    """How the coordinator is reached: directly, or through the proxy set in the environment."""

    host: str
    port: int
    proxy: str | None

    @classmethod
    def to(cls, address: str) -> "Route":
        """`address` is host:port, as in hospital.toml."""
        host, _, port = address.rpartition(":")
        host = host.strip("[]")
        proxy = None if proxy_bypass(f"{host}:{port}") else getproxies().get("https")
        return cls(host, int(port), proxy)

    def connect(self, context: ssl.SSLContext) -> http.client.HTTPSConnection:
        """Open a TLS connection. Raises OSError, of which ssl.SSLError is a subclass."""
        if self.proxy is None:
            channel = http.client.HTTPSConnection(self.host, self.port, timeout=CONNECT_S, context=context)
        else:
            via = urlsplit(self.proxy)
            channel = http.client.HTTPSConnection(
                via.hostname or "", via.port or 80, timeout=CONNECT_S, context=context
            )
            channel.set_tunnel(self.host, self.port, _authorization(via.username, via.password))
        channel.connect()
        return channel


def check_network(coordinator: CoordinatorAddress) -> list[CheckResult]:
    """All network checks; one that cannot run, because an earlier one failed, has no result."""
    address, ca = coordinator.address, coordinator.ca
    route = Route.to(address)
    rows = [_name(route), _proxy(route)]
    try:
        context = client_context(coordinator.certificate, trusted=ca)
    except OSError:
        found = "without the federation's CA and this hospital's certificate nothing can be checked"
        return [*rows, fail("tls", found, "unpack the kit again")]
    try:
        channel = route.connect(context)
    except ssl.SSLCertVerificationError as error:
        return [*rows, _untrusted(route, error, x509.load_pem_x509_certificate(ca.read_bytes()))]
    except ssl.SSLError as error:
        remedy = "a device in between does not support TLS 1.2 or later; ask your network administrators"
        return [*rows, fail("tls", f"no TLS at {address}: {error.reason}", remedy)]
    except OSError as error:
        remedy = f"allow this machine to connect to {address} in the firewall"
        return [*rows, fail("connection", f"{address}: {error.strerror or error}", remedy)]
    try:
        rows += [ok("connection", f"{address} answers"), *_certificate(channel)]
        rows += check_speed(channel)
    except (OSError, http.client.HTTPException) as error:
        remedy = "a device in between or the coordinator's proxy closes connections; try again, then ask them"
        rows.append(fail("http", f"the connection broke: {type(error).__name__}", remedy))
    finally:
        channel.close()
    return rows


def _name(route: Route) -> CheckResult:
    try:
        found = socket.getaddrinfo(route.host, route.port, type=socket.SOCK_STREAM)
    except OSError:
        remedy = "check `address` in hospital.toml; add the name to your DNS or /etc/hosts"
        if route.proxy is not None:
            return warn("dns", f"{route.host} cannot be resolved", f"{remedy}, unless the proxy resolves it")
        return fail("dns", f"{route.host} cannot be resolved", remedy)
    addresses = sorted({str(one[4][0]) for one in found})
    return ok("dns", f"{route.host} is {', '.join(addresses)}")


def _proxy(route: Route) -> CheckResult:
    if route.proxy is None:
        return ok("proxy", "none: connects directly to the coordinator")
    via = urlsplit(route.proxy)
    return ok("proxy", f"through {via.hostname}:{via.port or 80} (HTTPS_PROXY)")


def _untrusted(route: Route, error: ssl.SSLCertVerificationError, ca: x509.Certificate) -> CheckResult:
    """Why the certificate that was presented is not accepted as the coordinator's."""
    shown = _presented_certificate(route)
    if shown is not None and shown.issuer != ca.subject:
        issuer = shown.issuer.rfc4514_string()
        remedy = "have TLS inspection disabled for this address; the node refuses inspected connections"
        return fail(
            "interception", f"the certificate was issued by {issuer!r}, not by the federation", remedy
        )
    if error.verify_code == EXPIRED:
        remedy = "the coordinator runs `coordinator renew`; check this machine's clock as well"
        return fail("tls", "the coordinator's certificate has expired", remedy)
    if error.verify_code == NOT_YET:
        return fail(
            "tls", "the coordinator's certificate is not in force yet", "correct this machine's clock"
        )
    remedy = "check `address` in hospital.toml against the kit; ask the coordinator for a new kit"
    return fail("tls", f"the certificate is not the coordinator's: {error.verify_message}", remedy)


def _presented_certificate(route: Route) -> x509.Certificate | None:
    """The certificate that the other side presents, trusted or not."""
    blind = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    blind.check_hostname, blind.verify_mode = False, ssl.CERT_NONE
    try:
        channel = route.connect(blind)
    except OSError:
        return None
    try:
        der = channel.sock.getpeercert(binary_form=True)
        return None if der is None else x509.load_der_x509_certificate(der)
    finally:
        channel.close()


def _certificate(channel: http.client.HTTPSConnection) -> list[CheckResult]:
    """The results for a certificate that the federation issued."""
    shown = channel.sock.getpeercert(binary_form=True) or b""
    until = x509.load_der_x509_certificate(shown).not_valid_after_utc
    issued = ok("interception", "the certificate is the federation's own: no TLS inspection")
    found = f"{channel.sock.version()}, certificate in force until {until:%Y-%m-%d}"
    if until - datetime.now(UTC) < SOON:
        return [issued, warn("tls", found, "ask the coordinator to run `coordinator renew`")]
    return [issued, ok("tls", found)]


def _authorization(user: str | None, password: str | None) -> dict[str, str]:
    if user is None:
        return {}
    pair = f"{unquote(user)}:{unquote(password or '')}".encode()
    return {"Proxy-Authorization": f"Basic {base64.b64encode(pair).decode()}"}
