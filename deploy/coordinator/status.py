"""The federation's present state: which hospitals are connected, and how far each study is."""

import socket
import ssl
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509

from deploy.coordinator.folder import CoordinatorFolder
from deploy.coordinator.settings import Federation
from deploy.coordinator.superlink import SuperLink
from server.app import STATUS
from server.status import StudyStatus, read_status
from server.study_result import HospitalOutcome
from shared_model.errors import PneumofedError

PROXY_S = 5.0
SOON = timedelta(days=14)
RENEW = "run `pneumofed coordinator renew`"

_OUTCOME = {
    "returned": "returned",
    "late": "did not answer before the deadline",
    "refused": "returned what could not be admitted",
    "failed": "said that it could not",
    "absent": "was not connected",
    "quarantined": "is not asked, as its replies were refused",
}

_NOTICE = {
    "quarantined": "quarantined: two of its replies in a row were refused",
    "log-cut": "its audit log lacks a line that this coordinator saw, as it says itself",
    "log-went-back": "its audit log has fewer lines than this coordinator saw",
    "log-replaced": "its audit log has another line in the place of one that this coordinator saw",
    "log-untold": "it no longer tells the head of its audit log",
}


def status_document(federation: Federation) -> dict[str, Any]:
    """`serving`, `certificate_until`, `hospitals` (name, role, connection) and `studies` (as StudyStatus).

    certificate_until: when the certificate that hospitals see expires, ISO 8601; null if there is none.
    """
    folder = CoordinatorFolder(federation.state)
    try:
        with SuperLink(federation) as superlink:
            nodes, serving = {node.name: node.status for node in superlink.nodes()}, True
    except PneumofedError:
        nodes, serving = {}, False
    studies = [read_status(path) for path in sorted((folder.state / "studies").glob(f"*/{STATUS}"))]
    _, certificate = folder.server("edge")
    return {
        "federation": federation.name,
        "serving": serving,
        "certificate_until": _expiry(certificate.read_bytes()) if certificate.exists() else None,
        "hospitals": [
            {"name": one.name, "role": one.role, "connection": nodes.get(one.name, "shut out")}
            for one in federation.hospitals
        ],
        "studies": [study.model_dump(mode="json") for study in studies if study is not None],
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


def study_in_words(status: StudyStatus) -> list[str]:
    """A study's state and each hospital's last task, a line each."""
    where = f", stage {status.stage!r}, round {status.round} of {status.rounds}" if status.stage else ""
    which = f" ({status.fingerprint})" if status.fingerprint else ""
    lines = [f"study {status.study!r}{which}: {status.state}{where}, {status.rounds_done} rounds done"]
    if status.error is not None:
        lines.append(f"  {status.error_code}: {status.error}")
    fates = {name: reply_in_words(reply) for name, reply in status.hospitals.items()}
    if status.state in ("starting", "running"):
        fates |= {name: asked_in_words(reason) for name, reason in status.asked.items()}
    return [
        *lines,
        *(f"  {name} {fate}" for name, fate in sorted(fates.items())),
        *(
            f"  {name}: {_NOTICE.get(code, code)}; ask it why, then `pneumofed coordinator acknowledge`"
            for name, codes in sorted(status.notices.items())
            for code in codes
        ),
    ]


def asked_in_words(retry_reason: str | None) -> str:
    return "has not answered yet" if retry_reason is None else f"was asked again ({retry_reason})"


def reply_in_words(reply: HospitalOutcome) -> str:
    reason = f" ({reply.reason})" if reply.reason else ""
    return f"{_OUTCOME[reply.status]}{reason} after {reply.seconds:.0f} s"
