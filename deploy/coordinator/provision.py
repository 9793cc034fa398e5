"""Provisioning: a CA once, a server certificate, and a key and a kit for each hospital. Safe to repeat."""

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from deploy.coordinator import certificates
from deploy.coordinator.folder import CoordinatorFolder
from deploy.coordinator.kit import make_kit
from deploy.coordinator.settings import NAME, Federation
from shared_model.errors import PneumofedError
from shared_model.files import write_atomically

T = TypeVar("T")

LOOPBACK = ("localhost", "127.0.0.1")
SUPERLINK_DAYS = certificates.CA_DAYS  # it never leaves this machine


@dataclass(frozen=True)
class Provisioned:
    """What a run of `provision` made; the rest existed."""

    new_ca: bool
    kits: tuple[Path, ...]


def provision(federation: Federation) -> Provisioned:
    """Make the CA, certificates, secrets and kits that are missing; change nothing that exists.

    Raises PneumofedError `ca-incomplete` if one of the CA's two files is missing.
    """
    folder = CoordinatorFolder(federation.state)
    for path in ("ca", "tls", "kits", "hospitals", "revoked", "proxy", "flower", "studies"):
        (folder.state / path).mkdir(parents=True, exist_ok=True, mode=0o700)
    new_ca = _ensure_ca(federation, folder)
    if not all(path.exists() for path in folder.server("edge")):
        renew(federation)
    if not all(path.exists() for path in folder.server("superlink")):
        _write_server(folder, "superlink", LOOPBACK, days=SUPERLINK_DAYS)
    if not folder.superexec_secret.exists():
        write_atomically(folder.superexec_secret, secrets.token_hex(32).encode(), mode=0o600)
    made = [
        _new_hospital(federation, folder, hospital.name)
        for hospital in federation.hospitals
        if not folder.public_key(hospital.name).exists() and not is_revoked(folder, hospital.name)
    ]
    return Provisioned(new_ca, tuple(made))


def renew(federation: Federation) -> Path:
    """A new server certificate for the federation's hosts, from the same CA; hospitals need to do nothing.

    Raises PneumofedError `ca-incomplete`.
    """
    folder = CoordinatorFolder(federation.state)
    return _write_server(folder, "edge", federation.hosts, days=federation.certificate_days)


def new_kit(federation: Federation, hospital: str) -> Path:
    """A new key and kit for a hospital whose kit was lost or that was revoked before.

    Raises PneumofedError `hospital-unknown`.
    """
    folder = CoordinatorFolder(federation.state)
    if not _is_listed(federation, hospital):
        raise PneumofedError(
            "hospital-unknown", f"{hospital!r} is not in the federation's file; add it there"
        )
    revoke(federation, hospital)
    return _new_hospital(federation, folder, hospital)


def revoke(federation: Federation, hospital: str) -> None:
    """Remove a hospital's key from those that may take part; `serve` unregisters its node at once.

    Raises PneumofedError `hospital-unknown` if the hospital is not in the federation's file and has no key.
    """
    folder = CoordinatorFolder(federation.state)
    # A name of the command line must not become a path before it is known to be a name.
    named = re.fullmatch(NAME, hospital) is not None
    if not named or not (_is_listed(federation, hospital) or folder.public_key(hospital).exists()):
        raise PneumofedError("hospital-unknown", f"{hospital!r} is no hospital of this federation")
    path = folder.public_key(hospital)
    if path.exists():
        path.rename(folder.revoked_key(hospital, len(list(path.parent.parent.glob("revoked/*.pub")))))
    folder.kit(hospital).unlink(missing_ok=True)


def is_revoked(folder: CoordinatorFolder, hospital: str) -> bool:
    return any((folder.state / "revoked").glob(f"{hospital}.*.pub"))


def _is_listed(federation: Federation, hospital: str) -> bool:
    return hospital in {one.name for one in federation.hospitals}


def _ensure_ca(federation: Federation, folder: CoordinatorFolder) -> bool:
    """Whether a CA was made, which is done only if neither of its files exists."""
    if folder.ca.exists() and folder.ca_key.exists():
        return False
    if folder.ca.exists() or any((folder.state / "hospitals").iterdir()):
        raise PneumofedError(
            "ca-incomplete",
            f"{folder.ca.parent} lacks ca.key or ca.crt; bring both back from a backup: a new CA would lock "
            "every hospital out",
        )
    if not folder.ca_key.exists():
        write_atomically(folder.ca_key, certificates.key_to_pem(certificates.new_key()), mode=0o600)
    certificate = certificates.new_ca(federation.name, _read(folder.ca_key, certificates.key_from_pem))
    write_atomically(folder.ca, certificate.public_bytes(Encoding.PEM))
    return True


def _write_server(folder: CoordinatorFolder, name: str, hosts: tuple[str, ...], *, days: int) -> Path:
    key_path, path = folder.server(name)
    ca, ca_key = (
        _read(folder.ca, x509.load_pem_x509_certificate),
        _read(folder.ca_key, certificates.key_from_pem),
    )
    # A renewal keeps the key, so that key and certificate match at any moment.
    if not key_path.exists():
        write_atomically(key_path, certificates.key_to_pem(certificates.new_key()), mode=0o600)
    key = _read(key_path, certificates.key_from_pem)
    certificate = certificates.new_server_certificate(hosts, key, ca, ca_key, days=days)
    write_atomically(path, certificate.public_bytes(Encoding.PEM))
    return path


def _new_hospital(federation: Federation, folder: CoordinatorFolder, name: str) -> Path:
    """The kit is written first: a public key without a kit would be a hospital that can never connect."""
    private, public = certificates.node_key_files(certificates.new_key())
    (role,) = (one.role for one in federation.hospitals if one.name == name)
    kit = make_kit(federation, name, role, ca=folder.ca.read_bytes(), key=private)
    write_atomically(folder.kit(name), kit, mode=0o600)
    write_atomically(folder.public_key(name), public)
    return folder.kit(name)


def _read(path: Path, parse: Callable[[bytes], T]) -> T:
    try:
        return parse(path.read_bytes())
    except (FileNotFoundError, ValueError):
        raise PneumofedError(
            "ca-incomplete", f"{path} is missing or unreadable; bring it back from a backup"
        ) from None
