"""The environment of Flower's processes: nothing calls home, nothing is installed at run time."""

import os
import sys
from pathlib import Path

QUIET = {
    "FLWR_TELEMETRY_ENABLED": "0",
    "FLWR_DISABLE_UPDATE_CHECK": "1",
    "FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
}

POLL = "FLWR_SUPEREXEC_TASK_POLL_INTERVAL"
"""Seconds between an executor's questions for work, on loopback; Flower's own are 1."""

BIN = Path(sys.executable).parent
"""Where Flower's programs are; it also starts some of them by name."""


def flower_environment(home: Path) -> dict[str, str]:
    """This process's environment with Flower's own files under `home`."""
    path = os.pathsep.join([str(BIN), os.environ.get("PATH", os.defpath)])
    own = {"FLWR_HOME": str(home), "PATH": path, "PYTHONUNBUFFERED": "1", POLL: "0.2"}
    return {**os.environ, **QUIET, **own}
