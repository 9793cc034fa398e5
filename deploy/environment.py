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

STARTED_BY_NAME = {"flwr-clientapp": "client.node.process", "flwr-serverapp": "server.process"}
"""Programs of Flower's with a module of ours that does the same and starts in half the time."""


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
    """The same for a deployment of ours: with its settings, and our modules in place of Flower's programs."""
    environment = quiet_environment(home)
    path = os.pathsep.join([str(_programs(home / "bin")), environment["PATH"]])
    return {**environment, **OURS, "PATH": path}


def _programs(folder: Path) -> Path:
    """The folder with a program of each name, which starts the module with this very Python."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, module in STARTED_BY_NAME.items():
        # -P: a module that lies in the folder where the process runs must not be taken for an installed one.
        start = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -P -m {module} "$@"\n'
        write_atomically(folder / name, start.encode(), mode=0o700)
    return folder
