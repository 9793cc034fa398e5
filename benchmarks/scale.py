"""What a whole archive costs: `hospital check` over 100,000 files, `hospital prepare` of 500 studies.

`python -m benchmarks.scale [--json] [--files N] [--studies N] [--work FOLDER]`

Half of the files that are checked are no DICOM; the rest are studies of 14 slices of 64 x 64 pixels. The
studies that are prepared have 96 x 96 pixels, in a worker process a core. Each command is its own process.

check_s, prepare_s       by the clock: on a machine with other work as long as that work makes it
check_cpu_s              processor time of the check, which others disturb little; that of the workers of
                         prepare is not known to this process
check_files_per_cpu_s
check_peak_mb, prepare_peak_mb   largest resident memory of one of the command's processes

It takes 1 GB of disk in --work, a temporary folder by default, and removes it.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.support.many_studies import SLICES, write_other_files, write_studies
from benchmarks.support.result import print_result


@dataclass(frozen=True)
class CommandCost:
    """A command's seconds by the clock, those of its own process, largest memory, and its JSON document."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    document: dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--studies", type=int, default=500)
    parser.add_argument("--work", type=Path, help="folder to write to")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    jobs = os.cpu_count() or 1
    with tempfile.TemporaryDirectory(dir=chosen.work) as name:
        checked = check_many(Path(name) / "archive", chosen.files)
    with tempfile.TemporaryDirectory(dir=chosen.work) as name:
        prepared = prepare_many(Path(name), chosen.studies, jobs)
    figures = {
        "check_s": checked.wall_s,
        "check_cpu_s": checked.cpu_s,
        "check_files_per_cpu_s": chosen.files / checked.cpu_s,
        "check_peak_mb": checked.peak_mb,
        "prepare_s": prepared.wall_s,
        "prepare_peak_mb": prepared.peak_mb,
    }
    settings = {"files": chosen.files, "studies": chosen.studies, "jobs": jobs, "slices_a_study": SLICES}
    print_result(figures, settings | {"load_average": os.getloadavg()[2]}, as_json=chosen.json)


def check_many(folder: Path, files: int) -> CommandCost:
    """The cost of checking so many files. Raises SystemExit if any was judged otherwise than it should be."""
    folder.mkdir()
    studies = files // 2 // SLICES
    write_studies(folder, studies, pixels=64)
    write_other_files(folder, files - studies * SLICES)
    cost = run("check", str(folder))
    found = (len(cost.document["accepted"]), len(cost.document["refused"]))
    if found != (studies, files - studies * SLICES):
        raise SystemExit(f"check found {found[0]} series and refused {found[1]} files")
    return cost


def prepare_many(folder: Path, studies: int, jobs: int) -> CommandCost:
    """The cost of preparing so many studies. Raises SystemExit if any was not added."""
    (folder / "studies").mkdir()
    write_studies(folder / "studies", studies, pixels=96)
    with (folder / "labels.csv").open("w", newline="") as file:
        rows = [(f"s{number:07d}", "healthy") for number in range(1, studies + 1)]
        csv.writer(file).writerows([("study", "label"), *rows])
    words = ("--labels", str(folder / "labels.csv"), "--store", str(folder / "store"), "--jobs", str(jobs))
    cost = run("prepare", str(folder / "studies"), *words)
    if cost.document["added"] != studies:
        raise SystemExit(f"{cost.document['added']} of {studies} studies were added")
    return cost


def run(*words: str) -> CommandCost:
    """Run `pneumofed hospital WORDS --json`."""
    command = [sys.executable, "-m", "deploy.commands", "hospital", *words, "--json"]
    with tempfile.TemporaryFile() as said:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=said)
        _, status, used = os.wait4(process.pid, 0)  # with all processes that it has waited for
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise SystemExit(f"hospital {words[0]} ended with {process.returncode}")
        said.seek(0)
        document = json.load(said)
    return CommandCost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e6, document)


if __name__ == "__main__":
    main()
