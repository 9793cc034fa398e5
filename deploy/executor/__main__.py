"""`python -m deploy.executor MODULE ...`: Flower's program `flower-superexec`, with apps that are forks.

MODULE.run is the app; the other arguments are Flower's. In a package's __main__, because multiprocessing runs
any other main module again in each fork.
"""

import argparse
import sys

from flwr.supercore.cli.flower_superexec import flower_superexec
from flwr.supercore.superexec import run_superexec

from deploy.executor import ForkExecutor, know_server
from deploy.flower_words import EXECUTOR, FlowerWords
from deploy.logs import log_flower, log_to_stderr

if __name__ == "__main__":
    log_to_stderr()
    log_flower(FlowerWords(EXECUTOR))
    module = sys.argv.pop(1)
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--root-certificates")
    know_server(parser.parse_known_args()[0].root_certificates)
    run_superexec.get_executor = lambda *_, **__: ForkExecutor(module)  # type: ignore[attr-defined]
    flower_superexec()
