"""The coordinator's processes: SuperLink on loopback, the executor of its ServerApps, the edge proxy.

A fourth one keeps the nodes registered at SuperLink equal to the federation's hospitals: new ones are
registered, revoked ones unregistered. A fifth one sends notices, if federation.toml wants any.
"""

import logging
import sys
import time
from pathlib import Path

from deploy.coordinator.folder import CoordinatorFolder
from deploy.coordinator.notices import forget
from deploy.coordinator.proxy import proxy_command, write_proxy_configuration
from deploy.coordinator.proxy_log import ProxyLog
from deploy.coordinator.settings import Federation, load_federation
from deploy.coordinator.status import check_healthy
from deploy.coordinator.superlink import SuperLink
from deploy.environment import COORDINATOR_EXECUTOR, flower_environment
from deploy.supervise import Service, supervise
from shared_model.errors import PneumofedError

log = logging.getLogger("pneumofed")

REGISTER_S = 2.0
"""How often hospitals' keys are looked at, in seconds."""
STARTING_S = 60.0
"""How long SuperLink may take to start before its silence is logged, in seconds."""


def serve(path: Path) -> None:
    """Keep the coordinator's processes running until SIGTERM or SIGINT.

    Raises PneumofedError `not-provisioned`, `proxy-missing`.
    """
    federation = load_federation(path)
    if federation.notice is None:
        forget(federation)
    supervise(services(federation, path))


def services(federation: Federation, path: Path) -> list[Service]:
    """In the order in which they start."""
    folder = CoordinatorFolder(federation.state)
    if not folder.superexec_secret.exists() or not folder.loopback.exists():
        raise PneumofedError("not-provisioned", f"run `pneumofed coordinator provision {path}` first")
    environment = flower_environment(folder.flower_home)
    # The allocator returns a round's arrays to the system when they are freed; else the ServerApp holds twice
    # what it needs.
    frugal = {**environment, "MALLOC_ARENA_MAX": "2", "MALLOC_MMAP_THRESHOLD_": "131072"}
    proxy = proxy_command(write_proxy_configuration(federation))
    _, certificate = folder.edge
    ours = [sys.executable, "-m", "deploy.commands", "coordinator"]
    nodes, notices = [*ours, "register-nodes", str(path)], [*ours, "send-notices", str(path)]
    return [
        Service("superlink", superlink_command(federation), environment),
        Service("executor", executor_command(federation), frugal),
        Service("nodes", nodes, environment),
        Service("proxy", proxy, reload_on=(certificate, folder.admitted), tell=ProxyLog()),
        *([] if federation.notice is None else [Service("notices", notices)]),
    ]


def superlink_command(federation: Federation) -> list[str]:
    """SuperLink for this machine's own processes, with its state in a file; it knows nodes by their keys."""
    folder = CoordinatorFolder(federation.state)
    return [
        *(sys.executable, "-P", "-m", "deploy.coordinator.superlink_process"),
        *("--host", "127.0.0.1", "--port", str(federation.superlink_port)),
        *("--ssl-ca-certfile", str(folder.loopback)),
        *("--ssl-certfile", str(folder.loopback)),
        *("--ssl-keyfile", str(folder.loopback.with_suffix(".key"))),
        *("--database", str(folder.database)),
        *("--isolation", "process"),
        *("--superexec-auth-secret-file", str(folder.superexec_secret)),
        "--enable-supernode-auth",
        "--disable-runtime-dependency-installation",
    ]


def executor_command(federation: Federation) -> list[str]:
    folder = CoordinatorFolder(federation.state)
    return [
        *(sys.executable, *COORDINATOR_EXECUTOR),
        *("--runtime-api-address", f"127.0.0.1:{federation.superlink_port}"),
        *("--root-certificates", str(folder.loopback)),
        *("--superexec-auth-secret-file", str(folder.superexec_secret)),
    ]


def keep_nodes_registered(path: Path) -> None:
    """Until ended: `register_nodes` whenever hospitals' keys come, go or change. Says when all is ready."""
    registered: dict[bytes, str] | None = None
    begun, ready = time.monotonic(), False
    while True:
        try:
            federation = load_federation(path)
            keys = _public_keys(federation)
            if keys != registered:
                register_nodes(federation)
                registered = keys
            if not ready:
                check_healthy(federation)
                ready = True
                log.info("serving: hospitals may connect to %s", federation.address)
        except PneumofedError as error:
            if ready or time.monotonic() - begun > STARTING_S:
                log.warning("registering nodes: %s", error)
        time.sleep(REGISTER_S)


def register_nodes_now(federation: Federation) -> bool:
    """`register_nodes` if SuperLink answers; if it does not, False: it is done as soon as `serve` runs."""
    try:
        register_nodes(federation)
    except PneumofedError as error:
        if error.code != "superlink-unreachable":
            raise
        return False
    return True


def register_nodes(federation: Federation) -> None:
    """Make SuperLink's registered nodes those of the hospitals' public keys, no more and no less."""
    wanted = _public_keys(federation)
    with SuperLink(federation) as superlink:
        registered = {node.public_key: node for node in superlink.nodes()}
        for key, node in registered.items():
            if key not in wanted:
                superlink.unregister(node.node_id)
                log.info("%s is shut out", node.name)
        for key, name in wanted.items():
            if key not in registered:
                superlink.register(name, key)
                log.info("%s may take part", name)


def _public_keys(federation: Federation) -> dict[bytes, str]:
    """Public key (PEM) -> name, of the hospitals that may take part."""
    return {path.read_bytes(): path.stem for path in CoordinatorFolder(federation.state).public_keys()}
