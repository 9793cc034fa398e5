"""Flower's own process of a ServerApp, which installs and runs what a run brings."""

from queue import Queue

from flwr.supercore.logger import mirror_output_to_queue, restore_output
from flwr.supercore.superexec.executor import ExecutionSpec
from flwr.supercore.tls import validate_and_resolve_root_certificates
from flwr.superlink.runtime import run_serverapp


def run(spec: ExecutionSpec) -> None:
    """Run the code of one run in this process."""
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
