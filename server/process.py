"""The ServerApp's process: Flower's program `flwr-serverapp` without the SuperLink modules that it imports.

deploy/executor imports it once and forks it for every run.
"""

import sys
from queue import Queue
from types import ModuleType

# Flower imports the grid of its simulations too, and with it SuperLink's database.
_SIMULATION = "flwr.superlink.grid.inmemory_grid"
sys.modules[_SIMULATION] = ModuleType(_SIMULATION)
sys.modules[_SIMULATION].InMemoryGrid = None  # type: ignore[attr-defined]

from flwr.supercore.logger import mirror_output_to_queue, restore_output  # noqa: E402
from flwr.supercore.superexec.executor import ExecutionSpec  # noqa: E402
from flwr.supercore.tls import validate_and_resolve_root_certificates  # noqa: E402
from flwr.superlink.runtime import run_serverapp  # noqa: E402

import server.app  # noqa: E402, F401  the pushed app imports it


def run(spec: ExecutionSpec) -> None:
    """Run the ServerApp of one run in this process."""
    log: Queue[str | None] = Queue()
    mirror_output_to_queue(log)
    run_serverapp(
        runtime_api_address=spec.runtime_api_address,
        log_queue=log,
        token=spec.token,
        insecure=spec.insecure,
        certificates=validate_and_resolve_root_certificates(spec.root_certificates_path, spec.insecure),
        parent_pid=spec.parent_pid,
        runtime_dependency_install=spec.runtime_dependency_install,
    )
    restore_output()
