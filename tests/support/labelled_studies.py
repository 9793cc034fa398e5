"""A folder of DICOM studies with labels, and `prepare` over it as a process that a test may kill."""

import csv
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.support.chests import chest, write_series
from tests.support.processes import ROOT, unmeasured_environment

LABELS = ("healthy", "covid", "other")


def write_hospital(folder: Path, studies: int = 3) -> tuple[Path, Path]:
    """`studies` good studies of two patients, and their labels."""
    for number in range(studies):
        hu, _ = chest(14, 96, seed=number)
        write_series(folder / "studies" / f"Doe^John{number}", hu, patient_id=f"ID{number % 2}")
    return folder / "studies", write_labels(folder, {f"Doe^John{n}": LABELS[n % 3] for n in range(studies)})


def write_labels(folder: Path, labels: dict[str, str]) -> Path:
    path = folder / "labels.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("study", "label"), *labels.items()])
    return path


_RUN = """
import sys
from pathlib import Path
from preprocessing.prepare import prepare
from shared_model.errors import PneumofedError
if __name__ == "__main__":
    folder, jobs = Path(sys.argv[1]), int(sys.argv[2])
    try:
        prepare(folder / "studies", folder / "labels.csv", folder / "store", jobs=jobs)
    except PneumofedError as error:
        sys.exit(error.code)
"""


def start_prepare(folder: Path, jobs: int, before: Callable[[], None] | None = None) -> subprocess.Popen[str]:
    """`before` runs in the new process. Its last words are a PneumofedError's code."""
    script = folder / "run.py"
    script.write_text(_RUN)
    return subprocess.Popen(
        [sys.executable, str(script), str(folder), str(jobs)],
        env={**(unmeasured_environment() if before else os.environ), "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=before,
    )
