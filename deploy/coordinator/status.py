"""What the coordinator knows now: which hospitals are connected, and how far each study is."""

import socket
import ssl
from typing import Any

from deploy.coordinator.flower import SuperLink
from deploy.coordinator.folder import CoordinatorFolder
from deploy.coordinator.settings import Federation
from server.app import STATUS
from server.result import HospitalReply
from server.status import StudyStatus, read_status
from shared_model.errors import PneumofedError

PROXY_S = 5.0

_OUTCOME = {
    "returned": "returned",
    "late": "did not answer before the deadline",
    "refused": "returned what could not be admitted",
    "failed": "said that it could not",
    "absent": "was not connected",
}


def status_document(federation: Federation) -> dict[str, Any]:
    """`serving`, `hospitals` (name, role, connection) and `studies` (server.status.StudyStatus)."""
    folder = CoordinatorFolder(federation.state)
    try:
        with SuperLink(federation) as superlink:
            nodes, serving = {node.name: node.status for node in superlink.nodes()}, True
    except PneumofedError:
        nodes, serving = {}, False
    studies = [read_status(path) for path in sorted((folder.state / "studies").glob(f"*/{STATUS}"))]
    return {
        "federation": federation.name,
        "serving": serving,
        "hospitals": [
            {"name": one.name, "role": one.role, "connection": nodes.get(one.name, "shut out")}
            for one in federation.hospitals
        ],
        "studies": [study.model_dump(mode="json") for study in studies if study is not None],
    }


def check_healthy(federation: Federation) -> None:
    """Whether SuperLink and the proxy answer. Raises `superlink-unreachable` or `proxy-unreachable`."""
    with SuperLink(federation) as superlink:
        superlink.nodes()
    context = ssl.create_default_context(cafile=CoordinatorFolder(federation.state).ca)
    context.check_hostname = False  # it is called by its address here
    listens = "127.0.0.1" if federation.listen == "0.0.0.0" else federation.listen
    try:
        with (
            socket.create_connection((listens, federation.port), timeout=PROXY_S) as channel,
            context.wrap_socket(channel),
        ):
            pass
    except OSError:
        raise PneumofedError(
            "proxy-unreachable", f"no proxy answers at {listens}:{federation.port}; see that `serve` runs"
        ) from None


def study_in_words(status: StudyStatus) -> list[str]:
    """A study's state and each hospital's last task, a line each."""
    where = f", stage {status.stage!r}, round {status.round} of {status.rounds}" if status.stage else ""
    lines = [f"study {status.study!r}: {status.state}{where}, {status.rounds_done} rounds done"]
    if status.error is not None:
        lines.append(f"  {status.error_code}: {status.error}")
    fates = {name: reply_in_words(reply) for name, reply in status.hospitals.items()}
    if status.state in ("starting", "running"):
        fates |= {name: asked_in_words(trouble) for name, trouble in status.asked.items()}
    return lines + [f"  {name} {fate}" for name, fate in sorted(fates.items())]


def asked_in_words(trouble: str | None) -> str:
    return "has not answered yet" if trouble is None else f"was asked again ({trouble})"


def reply_in_words(reply: HospitalReply) -> str:
    reason = f" ({reply.reason})" if reply.reason else ""
    return f"{_OUTCOME[reply.status]}{reason} after {reply.seconds:.0f} s"
