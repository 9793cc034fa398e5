"""Environment variables of Flower's processes: no telemetry, no update check, no installing at run time."""

import os
import sys
from pathlib import Path

QUIET = {
    "FLWR_TELEMETRY_ENABLED": "0",
    "FLWR_DISABLE_UPDATE_CHECK": "1",
    "FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
}

BIN = Path(sys.executable).parent
"""Where Flower's programs are; Flower starts some of them by name."""

# -P: a module in the working directory must not shadow an installed one.
COORDINATOR_EXECUTOR = ["-P", "-m", "deploy.executor", "server.process"]
"""What Python runs in place of Flower's program `flower-superexec`."""

OURS = {
    # s between the executor's questions for a run to start; each costs SuperLink more than 10 ms of a core.
    "FLWR_SUPEREXEC_TASK_POLL_INTERVAL": "1",
    # Flower gives each request 30 s; with its default of two chunks of 5 MB at a time no reply would get
    # through a line of 1 Mbit/s.
    "FLWR_PRIVATE_MAX_ARRAY_CHUNK_SIZE": str(2 * 2**20),
    "FLWR_PRIVATE_MAX_CONCURRENT_OBJ_PUSHES": "1",
}
"""Flower's settings in a deployment."""


def quiet_environment(home: Path) -> dict[str, str]:
    """This process's environment, QUIET, and Flower's own files under `home`."""
    path = os.pathsep.join([str(BIN), os.environ.get("PATH", os.defpath)])
    return {**os.environ, **QUIET, "FLWR_HOME": str(home), "PATH": path, "PYTHONUNBUFFERED": "1"}


def flower_environment(home: Path) -> dict[str, str]:
    """`quiet_environment` with the settings of a deployment."""
    return {**quiet_environment(home), **OURS}
