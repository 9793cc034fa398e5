"""What `pneumofed demo` reaches at hospitals that never trained, and how long it takes.

`python -m benchmarks.demo [--json] [--seed S] [--quick]`

within_auc_diseased, within_auc_covid
                         mean over the held-out hospitals of the AUC inside each; _low, _high: 95 % interval
auc_diseased, auc_covid  pooled over the held-out hospitals' scans
seconds                  the whole command by the clock; with --quick alone: quick_seconds, and no AUC, as the
                         quick demo's model may learn little
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.support.result import print_result
from shared_model.constants import TASKS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        command = [sys.executable, "-m", "deploy.commands", "demo", "--json"]
        command += ["--out", str(Path(name) / "demo"), "--seed", str(chosen.seed)]
        start = time.monotonic()
        done = subprocess.run(
            command + ["--quick"] * chosen.quick, stdout=subprocess.PIPE, check=True, text=True
        )
        seconds = time.monotonic() - start
    document = json.loads(done.stdout)
    figures = {"quick_seconds": seconds} if chosen.quick else areas(document) | {"seconds": seconds}
    settings = {
        "seed": chosen.seed,
        "quick": chosen.quick,
        "step_seconds": document["seconds"],
        "weights_sha256": document["weights_sha256"],
    }
    print_result(figures, settings, as_json=chosen.json)


def areas(document: dict[str, Any]) -> dict[str, float | None]:
    """AUC of each task within the held-out hospitals and pooled, with intervals, from `demo --json`."""
    figures: dict[str, float | None] = {}
    for task in TASKS:
        block = document["pooled"]["unseen"][task]
        for name in ("within_auc", "auc"):
            found, figure = block[name] or {}, f"{name}_{task}"
            figures[figure] = found.get("value")
            figures[f"{figure}_low"], figures[f"{figure}_high"] = found.get("low"), found.get("high")
    return figures


if __name__ == "__main__":
    main()
