"""The federation's present state: which hospitals are connected, and how far each study is."""

import socket
import ssl
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import version
from typing import Any

from cryptography import x509

from deploy.coordinator.folder import CoordinatorFolder
from deploy.coordinator.settings import Federation
from deploy.coordinator.studies import present_status, study_folders
from deploy.coordinator.superlink import SuperLink
from preprocessing.settings import VERSION
from shared_model.errors import PneumofedError
from shared_model.protocol import PROTOCOL
from shared_model.quantity import quantity
from shared_model.versions import (
    CERTIFICATE_UNTIL,
    FLWR,
    KIT,
    LATEST_KIT,
    NODE,
    PREPROCESSING,
    PROTOCOL_NUMBER,
    TRAINER,
    package_version,
)

PROXY_S = 5.0
SOON = timedelta(days=14)
RENEW = "run `pneumofed coordinator renew`"


def connections(federation: Federation) -> dict[str, str] | None:
    """Of each hospital's node by name: "registered", "online" or "offline"; None if nothing is served."""
    try:
        with SuperLink(federation) as superlink:
            return {node.name: node.status for node in superlink.nodes()}
    except PneumofedError:
        return None


def status_document(federation: Federation) -> dict[str, Any]:
    """The present state, as `state_with`."""
    return state_with(federation, connections(federation))


def state_with(federation: Federation, nodes: Mapping[str, str] | None) -> dict[str, Any]:
    """`provisioned`, `serving`, `certificate_until`, `versions`, `studies`, and `hospitals` (name, role,
    connection, versions).

    certificate_until: when the certificate that hospitals see expires, ISO 8601; null if there is none.
    versions: of the coordinator, and of each hospital as it last described itself, by a name of
    shared_model/versions.py; studies: as StudyStatus, and its `folder`.
    nodes: as `connections` gives them.
    """
    folder, serving = CoordinatorFolder(federation.state), nodes is not None
    found = [(present_status(path), path) for path in study_folders(federation)]
    studies = sorted(
        ((one, path) for one, path in found if one is not None), key=lambda known: known[0].updated
    )
    told = {name: versions for study, _ in studies for name, versions in study.versions.items()}
    _, certificate = folder.edge
    return {
        "federation": federation.name,
        "provisioned": folder.loopback.exists(),
        "serving": serving,
        "certificate_until": _expiry(certificate.read_bytes()) if certificate.exists() else None,
        "versions": coordinator_versions(),
        "hospitals": [
            {
                "name": one.name,
                "role": one.role,
                "connection": "not known" if nodes is None else nodes.get(one.name, "shut out"),
                "versions": told.get(one.name, {}),
            }
            for one in federation.hospitals
        ],
        "studies": [{**study.model_dump(mode="json"), "folder": str(path)} for study, path in studies],
    }


def check_healthy(federation: Federation) -> None:
    """Check that SuperLink and the proxy answer, and that hospitals can trust the proxy's certificate.

    Raises PneumofedError `superlink-unreachable`, `proxy-unreachable`, `certificate-refused`.
    """
    with SuperLink(federation) as superlink:
        superlink.nodes()
    context = ssl.create_default_context(cafile=CoordinatorFolder(federation.state).ca)
    context.check_hostname = False  # this machine connects to it by address
    listens = "127.0.0.1" if federation.listen == "0.0.0.0" else federation.listen
    try:
        with (
            socket.create_connection((listens, federation.port), timeout=PROXY_S) as channel,
            context.wrap_socket(channel),
        ):
            pass
    except ssl.SSLCertVerificationError as error:
        raise PneumofedError(
            "certificate-refused",
            f"hospitals refuse the proxy's certificate: {error.verify_message}; {RENEW}",
        ) from None
    except OSError:
        raise PneumofedError(
            "proxy-unreachable", f"no proxy answers at {listens}:{federation.port}; see that `serve` runs"
        ) from None


def coordinator_versions() -> dict[str, str]:
    """As a hospital tells its own; `node` and `trainer` are both the installed package here."""
    package = package_version()
    return {
        TRAINER: package,
        NODE: package,
        FLWR: version("flwr"),
        PROTOCOL_NUMBER: str(PROTOCOL),
        PREPROCESSING: str(VERSION),
        KIT: str(LATEST_KIT),
    }


def versions_in_words(hospital: dict[str, str], coordinator: dict[str, str]) -> str:
    """A hospital's versions, with the coordinator's where they differ; "" where none are known."""
    told = {name: text for name, text in hospital.items() if name != CERTIFICATE_UNTIL}
    words = [
        f"{name} {text}" + ("" if coordinator.get(name) == text else f" (here {coordinator.get(name)})")
        for name, text in told.items()
    ]
    until = hospital.get(CERTIFICATE_UNTIL)
    if until is not None:
        words.append(f"certificate for {_days_until(until)}")
    return ", ".join(words)


def _days_until(day: str) -> str:
    days = days_until(day)
    return "unknown days" if days is None else quantity(days, "day")


def days_until(day: str) -> int | None:
    """Days until an ISO 8601 date that a hospital told; None if it told none."""
    try:
        return (date.fromisoformat(day) - datetime.now(UTC).date()).days
    except ValueError:
        return None


def _expiry(pem: bytes) -> str:
    return x509.load_pem_x509_certificate(pem).not_valid_after_utc.isoformat()


def certificate_in_words(until: str | None) -> list[str]:
    """A line if the certificate needs to be renewed, else none."""
    if until is None or (end := datetime.fromisoformat(until)) > datetime.now(UTC) + SOON:
        return []
    state = (
        "has expired, no hospital can connect" if end < datetime.now(UTC) else f"expires on {end:%Y-%m-%d}"
    )
    return [f"the server's certificate {state}: {RENEW}"]
