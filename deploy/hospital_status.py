"""How a hospital stands in its federation, from its own files: nothing is asked of the coordinator."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from client.hospital_settings import HospitalSettings
from client.node.connection import read_connection
from client.node.trainer_client import trainer_is_healthy
from client.records.audit import AuditLog
from client.trainer.approvals import Approvals
from preprocessing.store.lobe_store import LobeStore
from shared_model.errors import PneumofedError
from shared_model.printable_text import escape
from shared_model.quantity import quantity

_NODE = {
    "connected": "connected to the coordinator",
    "trying": "the coordinator does not answer",
    "refused": "the coordinator does not take this hospital's key: ask it for a new kit",
    "not-running": "does not run: start `pneumofed hospital join`",
    "unknown": "runs as another user: ask as that user",
    "elsewhere": "not seen from here: ask where it runs, as in its container",
}


def hospital_status(hospital: HospitalSettings) -> dict[str, Any]:
    """`name`, `role`, `store` (`scans`, or `problem`), `trainer` (whether it answers), `node` (`state` and
    `since`), `paused`, `studies` (fingerprint, name, decision), `last` (time and event in the audit log).

    Raises PneumofedError as the audit log does if it is not whole.
    """
    approvals = Approvals(hospital.state, hospital.limits.count_floor)
    answers = trainer_is_healthy(hospital.socket)
    entries = AuditLog(hospital.state).entries()
    return {
        "name": hospital.name,
        "role": hospital.role,
        "store": _store(hospital.store),
        "trainer": answers,
        "node": _node(hospital.node, answers=answers),
        "paused": approvals.paused,
        "studies": [
            {"fingerprint": s.proposal.fingerprint, "name": s.proposal.study.name, "decision": s.decision}
            for s in approvals.all()
        ],
        "last": {"time": entries[-1].time, "event": entries[-1].event} if entries else None,
    }


def _store(path: Path) -> dict[str, Any]:
    try:
        return {"scans": len(LobeStore.open(path).scans())}
    except PneumofedError as error:
        return {"problem": error.code}


def _node(folder: Path, *, answers: bool) -> dict[str, Any]:
    """answers: whether the trainer does. In its container the node's folder is not there."""
    if answers and not folder.exists():
        return {"state": "elsewhere", "since": None}
    try:
        connection = read_connection(folder)
    except PermissionError:
        return {"state": "unknown", "since": None}
    if connection is None:
        return {"state": "not-running", "since": None}
    since = datetime.fromtimestamp(connection.since, UTC).isoformat(timespec="seconds")
    return {"state": connection.state, "since": since}


def status_in_words(status: dict[str, Any]) -> list[str]:
    """The same as lines."""
    node, last, store = status["node"], status["last"], status["store"]
    scans = quantity(store["scans"], "scan") if "scans" in store else f"cannot be used: {store['problem']}"
    since = f" since {node['since']}" if node["since"] else ""
    lines = [
        f"{status['name']} ({status['role']})",
        f"node: {_NODE[node['state']]}{since}",
        f"trainer: {'answers' if status['trainer'] else 'does not answer'}",
        f"store: {scans}",
    ]
    lines += ["paused: no task is done until `pneumofed hospital resume`"] if status["paused"] else []
    lines += [f"study {escape(s['name'])} ({s['fingerprint']}): {s['decision']}" for s in status["studies"]]
    return [*lines, f"last in the audit log: {last['event']}, {last['time']}"] if last else lines
