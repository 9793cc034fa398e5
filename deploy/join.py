"""A hospital's two processes: the node, which faces the network, and the trainer, which has the data."""

import logging
import os
import socket
import sys
import threading
from pathlib import Path

from client.hospital_settings import HospitalSettings, load_hospital_settings
from deploy.environment import node_environment
from deploy.supervise import Service, supervise
from shared_model.errors import PneumofedError

log = logging.getLogger("pneumofed")

NODE_ENDED = 1


def join(site: Path) -> None:
    """Keep node and trainer running until told to end."""
    hospital = load_hospital_settings(site)
    check_node(hospital)
    trainer = [sys.executable, "-m", "deploy.commands.root", "hospital", "trainer", "--site", str(site)]
    node = [sys.executable, "-m", "deploy.commands.root", "hospital", "node", "--site", str(site)]
    supervise([Service("trainer", trainer), Service("node", node)])


def run_node(site: Path) -> None:
    """Be the network zone's process. It knows the socket and the hospital's key, and no store.

    Flower's node ends its main thread when SuperLink answers with an error, but a thread of its own keeps the
    process alive and deaf. When the error meets its heartbeat, that thread alone ends, and the node is taken
    for gone while it runs. Ending the process lets whoever supervises it start a new one.
    """
    hospital = load_hospital_settings(site)
    check_node(hospital)
    hospital.node.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.environ |= node_environment(hospital.node)
    sys.argv = node_command(hospital)
    threading.excepthook = _end_node
    log.warning(
        "if the node keeps ending, `pneumofed hospital preflight --site %s` looks for the reason", site
    )
    try:
        from flwr.supernode.cli.flower_supernode import flower_supernode

        flower_supernode()
    finally:
        os._exit(NODE_ENDED)


def _end_node(thread: threading.ExceptHookArgs) -> None:
    log.error("a thread of the node ended with %s; the node ends", thread.exc_type.__name__)
    os._exit(NODE_ENDED)


def node_command(hospital: HospitalSettings) -> list[str]:
    """Flower's SuperNode with TLS and the hospital's key."""
    coordinator = hospital.coordinator
    return [
        "flower-supernode",
        "--superlink",
        coordinator.address,
        "--root-certificates",
        str(coordinator.ca),
        "--auth-supernode-private-key",
        str(coordinator.key),
        "--node-config",
        f'trainer="{hospital.socket}"',
        "--host",
        "127.0.0.1",
        "--port",
        str(free_port()),
    ]


def check_node(hospital: HospitalSettings) -> None:
    """Raises PneumofedError `kit-missing` where a file that proves the hospital's identity is not there."""
    missing = [
        path.name for path in (hospital.coordinator.ca, hospital.coordinator.key) if not path.is_file()
    ]
    if missing:
        raise PneumofedError(
            "kit-missing", f"{', '.join(missing)} not found beside hospital.toml; unpack the kit there"
        )


def free_port() -> int:
    """A port on loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
