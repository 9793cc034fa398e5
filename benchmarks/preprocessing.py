"""From DICOM files to a finished store: ours against the literal reference of the paper, on one core.

`python -m benchmarks.preprocessing [--json] [--series FOLDER] [--slices N] [--rounds N]`

The literal reference is tests/reference/prepare.py; ours is `prepare` with `lobes = "paper"`, the same rules.
Both start from the same files and end with files on disk, in turns on one core; the shortest time counts.

ratio               least over the scans: the real one, if ../shared/data exists, and two phantoms
ratio_cpu           the same of processor time, which other processes disturb less
iou                 least agreement of the lobes' masks
slices_per_s        our speed on the first scan; _consistent: with the default method of finding lobes
loader_lobes_per_s  10 random lobes (30 planes, masks, distance, labels) at a time from the store, files in
                    the page cache, every checksum verified

The table of steps has a lower bound beside each: the time for its input and output to pass through memory.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from pydicom import dcmread

from benchmarks.support.loader_speed import loader_rate, loader_store
from benchmarks.support.paired_timing import PairedTiming, time_both
from benchmarks.support.phantom_series import write_phantom
from benchmarks.support.result import print_result
from benchmarks.support.timing import one_core
from client.learning.malloc_settings import keep_freed_memory
from preprocessing.phantom.presets import SCANNERS

REAL = Path(__file__).resolve().parents[2] / "shared" / "data" / "chest-ct"
PHANTOM_SCANNERS = SCANNERS[:2]  # a plain one, and one that pads


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--series", type=Path, default=REAL, help="folder of one plain axial series")
    parser.add_argument("--slices", type=int, help="only its middle N slices")
    parser.add_argument("--rounds", type=int, default=2, help="runs of the literal reference")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    keep_freed_memory()  # as in every command that trains
    with tempfile.TemporaryDirectory() as name, one_core():
        scans = scans_in(Path(name), chosen.series, chosen.slices)
        timings = {scan: time_both(folder, Path(name), chosen.rounds) for scan, folder in scans.items()}
        rate = loader_rate(loader_store(list(scans.values()), Path(name) / "loader"))
    if not chosen.json:
        print_steps(timings)
    print_result(
        figures_of(timings) | {"loader_lobes_per_s": rate},
        settings_of(timings, chosen.rounds),
        as_json=chosen.json,
    )


def scans_in(work: Path, series: Path, slices: int | None) -> dict[str, Path]:
    """Folders of files by name: the real series, or its middle, if there is one; and phantoms."""
    scans = {}
    if series.is_dir():
        files = sorted(series.iterdir(), key=height_of)
        count = slices or len(files)
        start = (len(files) - count) // 2
        scans["real"] = work / "real"
        scans["real"].mkdir()
        for path in files[start : start + count]:
            shutil.copy(path, scans["real"])
    else:
        print("the real series is absent: only phantoms are measured", file=sys.stderr)
    for number, scanner in enumerate(PHANTOM_SCANNERS, start=1):
        name = f"phantom_{number}"
        scans[name] = write_phantom(work / name, "covid", scanner, number)
    return scans


def height_of(path: Path) -> float:
    """Position of a slice along z, mm."""
    return float(dcmread(path, stop_before_pixels=True).ImagePositionPatient[2])


def figures_of(timings: dict[str, PairedTiming]) -> dict[str, float]:
    first = next(iter(timings.values()))
    return {
        "ratio": min(one.literal / one.ours for one in timings.values()),
        "ratio_cpu": min(one.literal_cpu / one.ours_cpu for one in timings.values()),
        "iou": min(one.iou for one in timings.values()),
        "slices_per_s": first.slices / first.ours,
        "slices_per_s_consistent": first.slices / first.consistent,
    }


def settings_of(timings: dict[str, PairedTiming], rounds: int) -> dict[str, Any]:
    return {
        "slices": {name: one.slices for name, one in timings.items()},
        "rounds": rounds,
        "cores": 1,
        "ratio_by_scan": {name: round(one.literal / one.ours, 2) for name, one in timings.items()},
        "seconds_ours_literal": {
            name: {"ours": round(one.ours, 4), "literal": round(one.literal, 3)}
            for name, one in timings.items()
        },
        "step_ms_ours_literal_floor": {
            name: {step: [round(1000 * value, 1) for value in row] for step, row in one.steps.items()}
            for name, one in timings.items()
        },
    }


def print_steps(timings: dict[str, PairedTiming]) -> None:
    """Print a table of each scan's steps in ms."""
    for name, one in timings.items():
        print(f"{name}: {one.slices} slices, {one.ours:.2f} s ours, {one.literal:.1f} s literal")
        print(f"  {'ms':14} {'ours':>9} {'literal':>9} {'floor':>9}")
        for step, row in one.steps.items():
            print(f"  {step:14} " + " ".join(f"{1000 * value:9.1f}" for value in row))


if __name__ == "__main__":
    main()
