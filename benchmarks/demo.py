"""What `pneumofed demo` reaches at hospitals that never trained, over several seeds, and how long it takes.

`python -m benchmarks.demo [--json] [--seeds S [S ...]] [--keep FOLDER] [--quick]`

within_auc_TASK                    median over seeds of the mean AUC inside the held-out hospitals
worst_within_auc_TASK              the least of them
auc_TASK                           median of the AUC pooled over the held-out hospitals' scans
sensitivity_TASK, specificity_TASK medians at the stored operating point
seconds                            of the whole command by the clock, median; with --quick quick_seconds only,
                                   as the quick demo's model may learn little

TASK is diseased or covid. What each seed gave is in `settings.runs`. --keep: a run that is there is not
repeated, so that ten seeds can be measured in several sittings.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.support.result import commit, print_result
from shared_model.constants import TASKS
from shared_model.files import write_atomically

NAMES = ("within_auc", "auc", "sensitivity", "specificity")
Run = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    runs = [kept_run(seed, chosen.keep, quick=chosen.quick) for seed in chosen.seeds]
    quick = {"quick_seconds": median(run["seconds"] for run in runs)}
    print_result(
        quick if chosen.quick else figures_of(runs),
        {"quick": chosen.quick, "runs": runs},
        as_json=chosen.json,
    )


def kept_run(seed: int, folder: Path | None, *, quick: bool) -> Run:
    """The run of a seed from `folder`, made and kept there if it is missing."""
    path = None if folder is None else folder / f"{seed}.json"
    if path is not None and path.exists():
        kept: Run = json.loads(path.read_text())
        return kept
    run = run_demo(seed, quick=quick)
    print(f"seed {seed}: {run['seconds']:.0f} s", file=sys.stderr, flush=True)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps(run).encode())
    return run


def run_demo(seed: int, *, quick: bool) -> Run:
    """One run of the command: its figures at the held-out hospitals, seconds, commit and weights."""
    with tempfile.TemporaryDirectory() as name:
        command = [sys.executable, "-m", "deploy.commands", "demo", "--json"]
        command += ["--out", str(Path(name) / "demo"), "--seed", str(seed)]
        start = time.monotonic()
        done = subprocess.run(command + ["--quick"] * quick, stdout=subprocess.PIPE, check=True, text=True)
        seconds = time.monotonic() - start
    document = json.loads(done.stdout)
    return {
        "seed": seed,
        "figures": unseen_figures(document),
        "seconds": seconds,
        "step_seconds": document["seconds"],
        "weights_sha256": document["weights_sha256"],
        "commit": commit(),
    }


def unseen_figures(document: dict[str, Any]) -> dict[str, float | None]:
    """The figures NAMES of each task at the held-out hospitals, from what `demo --json` prints."""
    return {
        f"{name}_{task}": (document["pooled"]["unseen"][task][name] or {}).get("value")
        for task in TASKS
        for name in NAMES
    }


def figures_of(runs: Sequence[Run]) -> dict[str, float | None]:
    """Medians over the runs, the least area inside hospitals, and the median of seconds."""
    figures: dict[str, float | None] = {}
    for task in TASKS:
        for name in NAMES:
            found = [run["figures"][f"{name}_{task}"] for run in runs]
            figures[f"{name}_{task}"] = _of_all(found, median)
            if name == "within_auc":
                figures[f"worst_{name}_{task}"] = _of_all(found, min)
    return figures | {"seconds": median(run["seconds"] for run in runs)}


def _of_all(values: Iterable[float | None], statistic: Any) -> float | None:
    """The statistic; undefined if any value is."""
    known = list(values)
    return None if None in known else float(statistic(known))


if __name__ == "__main__":
    main()
