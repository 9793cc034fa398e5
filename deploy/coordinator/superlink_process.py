"""`python -m deploy.coordinator.superlink_process ...`: Flower's `flower-superlink` behind a certificate.

SuperLink's Control API has no authentication of its own, and its other APIs read a whole request before they
ask for any. Here a connection is refused unless it shows the certificate that SuperLink shows itself. The
arguments are Flower's.
"""

import argparse
from pathlib import Path

from flwr.superlink.cli.flower_superlink import flower_superlink

from deploy.coordinator.lean_superlink import make_lean
from deploy.flower_words import COORDINATOR, FlowerWords
from deploy.logs import log_flower, log_to_stderr
from deploy.loopback import require_certificate


def main() -> None:
    """Run SuperLink with the arguments of the command line."""
    log_to_stderr()
    log_flower(FlowerWords(COORDINATOR))
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--ssl-certfile", type=Path, required=True)
    shown, _ = parser.parse_known_args()
    require_certificate(shown.ssl_certfile)
    make_lean()
    flower_superlink()


if __name__ == "__main__":
    main()
