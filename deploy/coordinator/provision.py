"""Provisioning: a CA once, a server certificate, and keys and a kit for each hospital. Safe to repeat.

The CA's key is needed only where something is signed; it may be kept elsewhere between times.
"""

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
from deploy.coordinator.kit import Kit
from deploy.coordinator.proxy import write_admitted
from deploy.coordinator.settings import Federation
from deploy.loopback import ensure_certificate
from shared_model.errors import PneumofedError
from shared_model.files import write_atomically
from shared_model.settings_file import SHORT_NAME

T = TypeVar("T")


@dataclass(frozen=True)
class Provisioned:
    """What a run of `provision` made; the rest existed.

    ca_key: where the CA's key is; None: it is kept elsewhere.
    """

    new_ca: bool
    ca_key: Path | None
    kits: tuple[Path, ...]


@dataclass(frozen=True)
class _Signer:
    """The CA with its key."""

    certificate: x509.Certificate
    key: certificates.Key

    @classmethod
    def of(cls, folder: CoordinatorFolder) -> "_Signer":
        """Raises PneumofedError `ca-key-offline` if only the key is not here, else `ca-incomplete`."""
        certificate = _read(folder.ca, x509.load_pem_x509_certificate)
        if not folder.ca_key.exists():
            raise PneumofedError(
                "ca-key-offline",
                f"this needs the CA's key: put it at {folder.ca_key}, repeat the command, take it away",
            )
        key = _read(folder.ca_key, certificates.key_from_pem)
        if key.public_key() != certificate.public_key():
            raise PneumofedError(
                "ca-incomplete", f"{folder.ca_key} is not the key of {folder.ca}; bring both from one backup"
            )
        return cls(certificate, key)


def provision(federation: Federation) -> Provisioned:
    """Make the CA, certificates, secrets and kits that are missing; change nothing that exists.

    Raises PneumofedError `ca-incomplete` if the CA's certificate is lost, and `ca-key-offline` if something
    must be signed and the CA's key is kept elsewhere.
    """
    folder = CoordinatorFolder(federation.state)
    for path in ("ca", "tls", "kits", "hospitals", "revoked", "proxy", "flower", "studies"):
        (folder.state / path).mkdir(parents=True, exist_ok=True, mode=0o700)
    new_ca = _ensure_ca(federation, folder)
    if not all(path.exists() for path in folder.edge):
        renew(federation)
    ensure_certificate(folder.loopback)
    if not folder.superexec_secret.exists():
        write_atomically(folder.superexec_secret, secrets.token_hex(32).encode(), mode=0o600)
    made = [
        _new_hospital(federation, folder, hospital.name)
        for hospital in federation.hospitals
        if not _can_take_part(folder, hospital.name) and not is_revoked(folder, hospital.name)
    ]
    write_admitted(folder)
    return Provisioned(new_ca, folder.ca_key if folder.ca_key.exists() else None, tuple(made))


def renew(federation: Federation) -> Path:
    """A new server certificate for the federation's hosts, from the same CA; hospitals need to do nothing.

    Raises PneumofedError `not-provisioned`, `ca-incomplete`, `ca-key-offline`.
    """
    folder = _provisioned(federation)
    ca = _Signer.of(folder)
    key_path, path = folder.edge
    # A renewal keeps the key, so that key and certificate match at any moment.
    if not key_path.exists():
        write_atomically(key_path, certificates.key_to_pem(certificates.new_key()), mode=0o600)
    key = _read(key_path, certificates.key_from_pem)
    certificate = certificates.new_server_certificate(
        federation.hosts, key, ca.certificate, ca.key, days=federation.certificate_days
    )
    write_atomically(path, certificate.public_bytes(Encoding.PEM))
    return path


def new_kit(federation: Federation, hospital: str) -> Path:
    """New keys and a kit for a hospital whose kit was lost or that was revoked before.

    Raises PneumofedError `not-provisioned`, `hospital-unknown`, `ca-incomplete`, `ca-key-offline`; nothing is
    changed then.
    """
    folder = _provisioned(federation)
    if not _is_listed(federation, hospital):
        raise PneumofedError(
            "hospital-unknown", f"{hospital!r} is not in the federation's file; add it there"
        )
    _Signer.of(folder)
    revoke(federation, hospital)
    kit = _new_hospital(federation, folder, hospital)
    write_admitted(folder)
    return kit


def revoke(federation: Federation, hospital: str) -> None:
    """Remove a hospital's keys from those that may take part; `serve` shuts it out at once.

    Raises PneumofedError `not-provisioned`, and `hospital-unknown` if the hospital is not in the federation's
    file and has no key.
    """
    folder = _provisioned(federation)
    # A name of the command line must not become a path before it is known to be a name.
    named = re.fullmatch(SHORT_NAME, hospital) is not None
    if not named or not (_is_listed(federation, hospital) or folder.public_key(hospital).exists()):
        raise PneumofedError("hospital-unknown", f"{hospital!r} is no hospital of this federation")
    path = folder.public_key(hospital)
    if path.exists():
        path.rename(folder.revoked_key(hospital, len(list(path.parent.parent.glob("revoked/*.pub")))))
    folder.certificate(hospital).unlink(missing_ok=True)
    folder.kit(hospital).unlink(missing_ok=True)
    write_admitted(folder)


def is_revoked(folder: CoordinatorFolder, hospital: str) -> bool:
    return any((folder.state / "revoked").glob(f"{hospital}.*.pub"))


def _provisioned(federation: Federation) -> CoordinatorFolder:
    folder = CoordinatorFolder(federation.state)
    if not folder.proxy.is_dir():
        raise PneumofedError("not-provisioned", "run `pneumofed coordinator provision` first")
    return folder


def _is_listed(federation: Federation, hospital: str) -> bool:
    return hospital in {one.name for one in federation.hospitals}


def _can_take_part(folder: CoordinatorFolder, hospital: str) -> bool:
    return folder.public_key(hospital).exists() and folder.certificate(hospital).exists()


def _ensure_ca(federation: Federation, folder: CoordinatorFolder) -> bool:
    """Whether a CA was made, which is done only if there was none that hospitals may know."""
    if folder.ca.exists():
        return False
    if any((folder.state / "hospitals").iterdir()):
        raise PneumofedError(
            "ca-incomplete",
            f"{folder.ca} is missing; bring it back from a backup: a new CA would lock every hospital out",
        )
    if not folder.ca_key.exists():
        write_atomically(folder.ca_key, certificates.key_to_pem(certificates.new_key()), mode=0o600)
    certificate = certificates.new_ca(federation.name, _read(folder.ca_key, certificates.key_from_pem))
    write_atomically(folder.ca, certificate.public_bytes(Encoding.PEM))
    return True


def _new_hospital(federation: Federation, folder: CoordinatorFolder, name: str) -> Path:
    """The kit is written first: public keys without a kit would be a hospital that can never connect."""
    ca, tls_key = _Signer.of(folder), certificates.new_key()
    private, public = certificates.node_key_files(certificates.new_key())
    certificate = certificates.new_client_certificate(name, tls_key, ca.certificate, ca.key)
    shown = certificate.public_bytes(Encoding.PEM)
    (role,) = (one.role for one in federation.hospitals if one.name == name)
    kit = Kit(
        ca=folder.ca.read_bytes(), key=private, certificate=shown, tls_key=certificates.key_to_pem(tls_key)
    )
    write_atomically(folder.kit(name), kit.pack(federation, name, role), mode=0o600)
    write_atomically(folder.certificate(name), shown)
    write_atomically(folder.public_key(name), public)
    return folder.kit(name)


def _read(path: Path, parse: Callable[[bytes], T]) -> T:
    try:
        return parse(path.read_bytes())
    except (FileNotFoundError, ValueError):
        raise PneumofedError(
            "ca-incomplete", f"{path} is missing or unreadable; bring it back from a backup"
        ) from None
