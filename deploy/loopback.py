"""Flower's processes among themselves and towards the proxy, with TLS that proves both sides.

Flower's servers listen on loopback, where any user of the machine can connect, and ask for no certificate;
its clients show none. httpx and uvicorn below them can do both. On loopback, client and server have the same
certificate, which is its own issuer: who can read its key is one of the processes.
"""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from shared_model.files import write_atomically
from shared_model.tls import client_context

DAYS = 10 * 365


def show_certificate(certificate: Path, *, trusted: Path) -> None:
    """From now on Flower's HTTP clients in this process have the TLS of `client_context` and no other."""
    from flwr.supercore.protobuf.client import ProtobufClient

    context = client_context(certificate, trusted=trusted)

    def from_server_address(
        cls: type[ProtobufClient],
        server_address: str,
        insecure: bool,
        root_certificates: bytes | str | None,
        interceptors: Any,
        *,
        retry_invoker: Any = None,
    ) -> ProtobufClient:
        """As Flower's, with `context` in the place of `insecure` and `root_certificates`."""
        url = f"https://{server_address}"
        return cls(url, interceptors=interceptors, verify=context, retry_invoker=retry_invoker)

    ProtobufClient.from_server_address = classmethod(from_server_address)  # type: ignore[assignment]


def require_certificate(trusted: Path) -> None:
    """From now on uvicorn's servers in this process refuse clients that do not show `trusted`.

    One without TLS does not start: RuntimeError.
    """
    import uvicorn

    load = uvicorn.Config.load

    def load_with_clients(config: uvicorn.Config) -> None:
        if not config.is_ssl:
            raise RuntimeError("a server without TLS cannot ask for a certificate")
        config.ssl_ca_certs, config.ssl_cert_reqs = trusted, ssl.CERT_REQUIRED
        load(config)

    setattr(uvicorn.Config, "load", load_with_clients)  # noqa: B010


def ensure_certificate(path: Path) -> None:
    """Make a certificate for loopback, its own issuer, and its key beside it, unless both are there."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    if path.exists() and path.with_suffix(".key").exists():
        return
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pneumofed loopback")])
    uses = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=DAYS))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.unlink(missing_ok=True)  # a crash in between must not leave one with another's key
    write_atomically(path.with_suffix(".key"), pem, mode=0o600)
    write_atomically(path, certificate.public_bytes(Encoding.PEM))
