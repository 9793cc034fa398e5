"""The ClientApp's process: Flower's program `flwr-clientapp` without the SuperNode that it loads for nothing.

Flower starts one for every message; docs/decisions/0088 has what is saved.
"""

import argparse

from flwr.common.args import add_args_flwr_app_common, try_obtain_flwr_app_token
from flwr.supercore.tls import validate_and_resolve_root_certificates
from flwr.supernode.runtime.run_clientapp import run_clientapp


def main() -> None:
    """Take one message from the node, answer it, and end. The arguments are those of `flwr-clientapp`."""
    parser = argparse.ArgumentParser(prog="flwr-clientapp", description=main.__doc__)
    parser.add_argument("--runtime-api-address", required=True)
    add_args_flwr_app_common(parser)
    chosen = parser.parse_args()
    run_clientapp(
        runtime_api_address=chosen.runtime_api_address,
        token=try_obtain_flwr_app_token(chosen),
        insecure=chosen.insecure,
        certificates=validate_and_resolve_root_certificates(chosen.root_certificates, chosen.insecure),
        parent_pid=chosen.parent_pid,
        runtime_dependency_install=chosen.runtime_dependency_install,
    )


if __name__ == "__main__":
    main()
