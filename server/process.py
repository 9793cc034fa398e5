"""The ServerApp's process: Flower's program `flwr-serverapp` without the SuperLink that it loads for nothing.

Loaded once, forked for every run: deploy/executor.
"""

import sys
from queue import Queue
from types import ModuleType

# Beside the grid of a deployment Flower loads the one of its simulations, and with it SuperLink's database.
_SIMULATION = "flwr.superlink.grid.inmemory_grid"
sys.modules[_SIMULATION] = ModuleType(_SIMULATION)
sys.modules[_SIMULATION].InMemoryGrid = None  # type: ignore[attr-defined]

from flwr.supercore.logger import mirror_output_to_queue, restore_output  # noqa: E402
from flwr.supercore.superexec.executor import ExecutionSpec  # noqa: E402
from flwr.supercore.tls import validate_and_resolve_root_certificates  # noqa: E402
from flwr.superlink.runtime import run_serverapp  # noqa: E402

import server.app  # noqa: E402, F401  what the pushed app points to


def run(spec: ExecutionSpec) -> None:
    """Be the ServerApp of one run, then end this process."""
    said: Queue[str | None] = Queue()
    mirror_output_to_queue(said)
    run_serverapp(
        runtime_api_address=spec.runtime_api_address,
        log_queue=said,
        token=spec.token,
        insecure=spec.insecure,
        certificates=validate_and_resolve_root_certificates(spec.root_certificates_path, spec.insecure),
        parent_pid=spec.parent_pid,
        runtime_dependency_install=spec.runtime_dependency_install,
    )
    restore_output()
