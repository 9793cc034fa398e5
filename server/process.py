"""The ServerApp's process: Flower's program `flwr-serverapp` without the SuperLink that it loads for nothing.

docs/decisions/0088 has what is saved.
"""

import argparse
import sys
from queue import Queue
from types import ModuleType

# Beside the grid of a deployment Flower loads the one of its simulations, and with it SuperLink's database.
_SIMULATION = "flwr.superlink.grid.inmemory_grid"
sys.modules[_SIMULATION] = ModuleType(_SIMULATION)
sys.modules[_SIMULATION].InMemoryGrid = None  # type: ignore[attr-defined]

from flwr.common.args import add_args_flwr_app_common, try_obtain_flwr_app_token  # noqa: E402
from flwr.supercore.logger import mirror_output_to_queue, restore_output  # noqa: E402
from flwr.supercore.tls import validate_and_resolve_root_certificates  # noqa: E402
from flwr.superlink.runtime import run_serverapp  # noqa: E402


def main() -> None:
    """Be the ServerApp of one run, then end. The arguments are those of `flwr-serverapp`."""
    parser = argparse.ArgumentParser(prog="flwr-serverapp", description=main.__doc__)
    parser.add_argument("--runtime-api-address", required=True)
    add_args_flwr_app_common(parser)
    chosen = parser.parse_args()
    said: Queue[str | None] = Queue()
    mirror_output_to_queue(said)
    run_serverapp(
        runtime_api_address=chosen.runtime_api_address,
        log_queue=said,
        token=try_obtain_flwr_app_token(chosen),
        insecure=chosen.insecure,
        certificates=validate_and_resolve_root_certificates(chosen.root_certificates, chosen.insecure),
        parent_pid=chosen.parent_pid,
        runtime_dependency_install=chosen.runtime_dependency_install,
    )
    restore_output()


if __name__ == "__main__":
    main()
