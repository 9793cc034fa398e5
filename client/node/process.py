"""The ClientApp's process: Flower's program `flwr-clientapp` without the SuperNode that it loads for nothing.

Loaded once, forked for every message: deploy/executor.
"""

from flwr.supercore.superexec.executor import ExecutionSpec
from flwr.supercore.tls import validate_and_resolve_root_certificates
from flwr.supernode.runtime.run_clientapp import run_clientapp

import client.node.deployed  # noqa: F401  what the app that the coordinator pushes points to


def run(spec: ExecutionSpec) -> None:
    """Take one message from the node, answer it, and end this process."""
    run_clientapp(
        runtime_api_address=spec.runtime_api_address,
        token=spec.token,
        insecure=spec.insecure,
        certificates=validate_and_resolve_root_certificates(spec.root_certificates_path, spec.insecure),
        parent_pid=spec.parent_pid,
        runtime_dependency_install=spec.runtime_dependency_install,
    )
