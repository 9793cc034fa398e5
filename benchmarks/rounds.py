"""Overhead of a round without training: our deployment against plain Flower FedAvg.

`python -m benchmarks.rounds [--json] [--hospitals N] [--many N] [--rounds N]`

Both run on loopback, one after the other, with the weights of both full networks (12.6 MB) and clients that
return them unchanged; a round is one training and one evaluation at every node. Ours has TLS, proxy, keys,
two zones with an audit log, and the ledger; the plain app has none of these.

overhead_ratio    our round over Flower's, medians of all rounds but the first
server_peak_mb    largest resident memory of the ServerApp's process, with --many hospitals
first_training_s  from `coordinator run` of an approved study to the first training at a hospital
superlink_peak_mb the same of Flower's SuperLink, which holds messages in transit
"""

import argparse
import sys
import tempfile
from pathlib import Path
from statistics import median

from safetensors.numpy import save_file

from benchmarks.support.deployed_federation import our_rounds
from benchmarks.support.flower_baseline import plain_rounds
from benchmarks.support.result import print_result
from shared_model.network_weights import to_weights
from shared_model.networks import make_networks
from shared_model.study import NetworkConfig


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--hospitals", type=int, default=4)
    parser.add_argument("--many", type=int, default=16, help="hospitals for the memory figures")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        for part in ("plain", "ours", "many"):
            (work / part).mkdir()
        weights = to_weights(make_networks(NetworkConfig(init="random")))
        file = work / "weights.safetensors"
        save_file(weights, file)
        plain = plain_rounds(work / "plain", file, nodes=chosen.hospitals, rounds=chosen.rounds)
        print(f"plain rounds: {plain}", file=sys.stderr)
        ours = our_rounds(work / "ours", file, hospitals=chosen.hospitals, rounds=chosen.rounds)
        print(f"our rounds: {ours}", file=sys.stderr)
        many = our_rounds(work / "many", file, hospitals=chosen.many, rounds=2)
    figures = {
        "overhead_ratio": median(ours.rounds_s) / median(plain),
        "round_s": median(ours.rounds_s),
        "plain_round_s": median(plain),
        "server_peak_mb": many.serverapp_mb,
        "server_peak_mb_few": ours.serverapp_mb,
        "superlink_peak_mb": many.superlink_mb,
        "first_training_s": ours.first_training_s,
    }
    settings = {
        "hospitals": chosen.hospitals,
        "many": chosen.many,
        "rounds": chosen.rounds,
        "weights_mb": round(sum(array.nbytes for array in weights.values()) / 1e6, 2),
        "rounds_s": [round(seconds, 2) for seconds in ours.rounds_s],
        "plain_rounds_s": [round(seconds, 2) for seconds in plain],
    }
    print_result(figures, settings, as_json=chosen.json)


if __name__ == "__main__":
    main()
