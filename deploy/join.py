"""A hospital's two processes: the node, which faces the network, and the trainer, which has the data."""

import logging
import os
import socket
import sys
import threading
from functools import partial
from pathlib import Path
from typing import Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_ssh_private_key

from client.hospital_settings import HospitalSettings, load_hospital_settings
from client.node.connection import State, read_connection, write_connection, write_start
from deploy.environment import flower_environment
from deploy.flower_words import CONNECTED, HOSPITAL, REFUSED, SILENT, FlowerWords
from deploy.logs import log_flower, log_to_stderr
from deploy.loopback import show_certificate
from deploy.release.installed import check_installed
from deploy.supervise import Service, supervise
from deploy.zone_users import ZoneUsers, zone_users
from shared_model.errors import PneumofedError
from shared_model.file_lock import exclusive

log = logging.getLogger("pneumofed")

NODE_ENDED = 1
LOCK = "join.lock"
"""Beside hospital.toml, held by the `join` that runs."""


def join(site: Path) -> None:
    """Keep node and trainer running until SIGTERM or SIGINT, as two users if the settings name them.

    Raises PneumofedError `kit-missing`, `already-joined`, and as `check_installed` and `zone_users` do.
    """
    hospital = load_hospital_settings(site)
    check_installed(hospital.release)
    site = site.resolve()
    check_node(hospital)
    joined = PneumofedError(
        "already-joined", "this hospital takes part already, by another `join`; end that one first"
    )
    with exclusive(site.parent / LOCK, refusal=joined):
        supervise(_zones(hospital, site))


def _zones(hospital: HospitalSettings, site: Path) -> list[Service]:
    users = zone_users(hospital, site)
    if users is None:
        log.warning(
            "node and trainer run as one user: a fault in Flower could read the store; see docs/hospital.md"
        )
    return [_zone("trainer", site, hospital.state, users), _zone("node", site, hospital.node, users)]


def _zone(name: Literal["node", "trainer"], site: Path, home: Path, users: ZoneUsers | None) -> Service:
    command = [sys.executable, "-m", "deploy.commands", "hospital", name, "--site", str(site)]
    if users is None:
        return Service(name, command)
    return Service(name, command, {**os.environ, "HOME": str(home)}, user=getattr(users, name))


def run_node(site: Path) -> None:
    """Run the network zone's process. It knows the socket and the hospital's key, and no store.

    If SuperLink answers with an error, the main thread of the node ends. If the error meets the heartbeat,
    only that thread ends, and the node counts as gone while it runs. So any thread's end ends the process,
    and its supervisor starts a new one (docs/decisions/0083).

    Raises PneumofedError `kit-missing`, `kit-unusable`, and as `check_installed` does.
    """
    hospital = load_hospital_settings(site)
    check_installed(hospital.release)
    check_node(hospital)
    key = _key(hospital)
    hospital.node.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.environ |= flower_environment(hospital.node)
    log_to_stderr()
    show_certificate(hospital.coordinator.certificate, trusted=hospital.coordinator.ca)
    threading.excepthook = _end_node
    try:
        from client.node.deployed import app, node_config
        from client.node.supernode import run_supernode
        from client.node.trainer_client import report_refused_bundle

        write_start(hospital.node)
        log_flower(FlowerWords(HOSPITAL, partial(_keep_connection, hospital.node)))
        record = partial(report_refused_bundle, hospital.socket)
        run_supernode(hospital.coordinator.address, key, app, node_config(hospital), record)
    except KeyboardInterrupt:  # by Ctrl-C, or by Flower's client after a 401
        log.error(
            "the node ends: it was interrupted, or the coordinator refuses its key or its clock; "
            "`pneumofed hospital preflight` tells more"
        )
    finally:
        os._exit(NODE_ENDED)


_CONNECTION: dict[str, State] = {
    CONNECTED: "connected",
    SILENT: "trying",
    REFUSED: "refused",
}


def _keep_connection(folder: Path, line: str) -> None:
    """Record what a line of the node says of its connection."""
    if line in _CONNECTION:
        write_connection(folder, _CONNECTION[line])


def _end_node(thread: threading.ExceptHookArgs) -> None:
    log.error(
        "a thread of the node ended with %s; the node ends; `pneumofed hospital preflight` tells more",
        thread.exc_type.__name__,
    )
    os._exit(NODE_ENDED)


def _key(hospital: HospitalSettings) -> EllipticCurvePrivateKey:
    """The key by which SuperLink knows the hospital. Raises PneumofedError `kit-unusable`."""
    path = hospital.coordinator.key
    try:
        key = load_ssh_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, EllipticCurvePrivateKey):
        raise PneumofedError("kit-unusable", f"{path.name} cannot be read as a key; unpack the kit again")
    return key


def check_node(hospital: HospitalSettings) -> None:
    """Raises PneumofedError `kit-missing` if a file that proves the hospital's identity is not there."""
    kit = hospital.coordinator
    files = (kit.ca, kit.key, kit.certificate, kit.certificate_key)
    missing = [path.name for path in files if not path.is_file()]
    if missing:
        raise PneumofedError(
            "kit-missing", f"{', '.join(missing)} not found beside hospital.toml; unpack the kit there"
        )


def check_trainer(hospital: HospitalSettings) -> None:
    """Raises PneumofedError `trainer-unreachable` if no trainer answers at the hospital's socket."""
    from client.node.trainer_client import trainer_is_healthy

    if not trainer_is_healthy(hospital.socket):
        raise PneumofedError("trainer-unreachable", "no trainer answers at its socket; see that it runs")


def check_connected(hospital: HospitalSettings) -> None:
    """Raises PneumofedError `node-not-running`; `node-not-connected` if it is not with the coordinator."""
    connection = read_connection(hospital.node)
    if connection is None:
        raise PneumofedError("node-not-running", "no node runs here; start it, and see its log")
    if connection.state != "connected":
        raise PneumofedError(
            "node-not-connected", "the node has no connection to the coordinator; see `hospital preflight`"
        )


def free_port() -> int:
    """A port on loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
