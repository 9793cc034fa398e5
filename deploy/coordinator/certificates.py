"""The federation's CA, the certificates that it signs, the hospitals' keys: EC P-256 throughout."""

import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CA_DAYS = 10 * 365
_BACKDATED = timedelta(hours=1)  # so that it is valid already for a hospital whose clock is behind

Key = ec.EllipticCurvePrivateKey


def new_key() -> Key:
    return ec.generate_private_key(ec.SECP256R1())


def key_to_pem(key: Key) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def key_from_pem(pem: bytes) -> Key:
    """Raises ValueError for anything but an EC key."""
    key = load_pem_private_key(pem, password=None)
    if not isinstance(key, Key):
        raise ValueError("no EC key")
    return key


def node_key_files(key: Key) -> tuple[bytes, bytes]:
    """A hospital's private and public key as Flower's node and SuperLink read them: OpenSSH, and PEM."""
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    return private, key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def new_ca(federation: str, key: Key) -> x509.Certificate:
    """A CA certificate that may only sign certificates of servers and hospitals, and no other CA."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"pneumofed {federation} CA")])
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        _builder(name, name, key, days=CA_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def new_server_certificate(
    hosts: Sequence[str], key: Key, ca: x509.Certificate, ca_key: Key, *, days: int
) -> x509.Certificate:
    """A server's certificate for DNS names and IP addresses."""
    names = x509.SubjectAlternativeName([_alternative(host) for host in hosts])
    builder = _end_entity("pneumofed coordinator", ExtendedKeyUsageOID.SERVER_AUTH, key, ca, days=days)
    return builder.add_extension(names, critical=False).sign(ca_key, hashes.SHA256())


def new_client_certificate(hospital: str, key: Key, ca: x509.Certificate, ca_key: Key) -> x509.Certificate:
    """What a hospital shows the proxy, which admits it by its serial number. In force as long as the CA."""
    days = (ca.not_valid_after_utc - datetime.now(UTC)).days
    builder = _end_entity(hospital, ExtendedKeyUsageOID.CLIENT_AUTH, key, ca, days=days)
    return builder.sign(ca_key, hashes.SHA256())


def _end_entity(
    name: str, use: x509.ObjectIdentifier, key: Key, ca: x509.Certificate, *, days: int
) -> x509.CertificateBuilder:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return (
        _builder(subject, ca.subject, key, days=days)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([use]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(_authority(ca), critical=False)
    )


def _builder(subject: x509.Name, issuer: x509.Name, key: Key, *, days: int) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + timedelta(days=days))
    )


def _authority(ca: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    subject = ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(subject)


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
