"""The environment of Flower's processes: nothing calls home, nothing is installed at run time."""

import os
import shlex
import sys
from pathlib import Path

from shared_model.files import write_atomically

QUIET = {
    "FLWR_TELEMETRY_ENABLED": "0",
    "FLWR_DISABLE_UPDATE_CHECK": "1",
    "FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
}

BIN = Path(sys.executable).parent
"""Where Flower's programs are; it also starts some of them by name."""

# -P: a module that lies in the folder where the process runs must not be taken for an installed one.
NODE_EXECUTOR = ["-P", "-m", "deploy.executor", "client.node.process"]
COORDINATOR_EXECUTOR = ["-P", "-m", "deploy.executor", "server.process"]
"""What Python runs in place of Flower's program EXECUTOR."""
EXECUTOR = "flower-superexec"


OURS = {
    "FLWR_SUPEREXEC_TASK_POLL_INTERVAL": "0.2",  # s between an executor's questions for work, on loopback
    # Flower gives each request 30 s: of its own 5 MB, two at a time, no reply would get through 1 Mbit/s.
    "FLWR_PRIVATE_MAX_ARRAY_CHUNK_SIZE": str(2 * 2**20),
    "FLWR_PRIVATE_MAX_CONCURRENT_OBJ_PUSHES": "1",
}
"""Settings of Flower's in a deployment of ours."""


def quiet_environment(home: Path) -> dict[str, str]:
    """This process's environment with Flower's own files under `home`."""
    path = os.pathsep.join([str(BIN), os.environ.get("PATH", os.defpath)])
    return {**os.environ, **QUIET, "FLWR_HOME": str(home), "PATH": path, "PYTHONUNBUFFERED": "1"}


def flower_environment(home: Path) -> dict[str, str]:
    """The same for a deployment of ours: with its settings."""
    return {**quiet_environment(home), **OURS}


def node_environment(home: Path) -> dict[str, str]:
    """The same for a node: Flower's SuperNode starts its executor by name, and finds ours first."""
    environment = flower_environment(home)
    programs = home / "bin"
    programs.mkdir(parents=True, exist_ok=True, mode=0o700)
    start = f'#!/bin/sh\nexec {shlex.join([sys.executable, *NODE_EXECUTOR])} "$@"\n'
    write_atomically(programs / EXECUTOR, start.encode(), mode=0o700)
    return {**environment, "PATH": os.pathsep.join([str(programs), environment["PATH"]])}
