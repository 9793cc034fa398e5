"""From a folder of DICOM files to a finished diagnosis.json: ours against an eager float32 loop over lobes.

`python -m benchmarks.diagnose [--json] [--series FOLDER] [--slices N ...] [--width W] [--rounds N]`

Each scan is diagnosed in a new process, as the command does it, on all cores; the shortest time counts. The
eager loop runs both plain networks over one lobe at a time, whole crops in float32, on lobes evenly chosen;
its time is scaled to all lobes, and the other stages are ours. Weights are random: speed does not depend on
them. Phantoms are of 512 x 512 pixels.

ratio             eager / ours, from files to diagnosis.json, least of the scans
ratio_networks    the same of the networks alone
seconds_real      the real series of ../shared/data, if it exists; seconds_N: a phantom of about N slices
peak_mb           peak memory of the process that diagnoses the phantom of about 200 slices; peak_mb_N: of N
difference        largest difference of a lobe's probability between both

The stages of each scan are in `settings`: reading headers, preprocessing, networks, pictures and files.
"""

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from benchmarks.support.diagnosis_timing import DiagnosisTiming, random_model, time_diagnosis
from benchmarks.support.phantom_series import write_phantom
from benchmarks.support.result import print_result
from client.learning.malloc_settings import keep_freed_memory
from preprocessing.phantom.presets import SCANNERS

REAL = Path(__file__).resolve().parents[2] / "shared" / "data" / "chest-ct"
HEIGHT_MM = 270.0  # of a phantom's chest
PEAK = 200  # slices: the figure peak_mb


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--series", type=Path, default=REAL, help="folder of one series")
    parser.add_argument("--slices", type=int, nargs="*", default=[PEAK, 248, 600], help="of the phantoms")
    parser.add_argument("--width", type=float, default=0.125, help="width factor of the networks")
    parser.add_argument("--rounds", type=int, default=2, help="runs of each scan")
    parser.add_argument("--lobes", type=int, default=40, help="lobes of a scan that the eager loop runs on")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    keep_freed_memory()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        random_model(work / "model", chosen.width)
        timings = {}
        for scan, folder in scans_in(work, chosen.series, chosen.slices).items():
            timings[scan] = time_diagnosis(folder, work / "model", work / "out", chosen.rounds, chosen.lobes)
    settings = {
        "width": chosen.width,
        "rounds": chosen.rounds,
        "eager_lobes": chosen.lobes,
        "scans": {scan: timing.as_settings() for scan, timing in timings.items()},
    }
    print_result(figures_of(timings), settings, as_json=chosen.json)


def scans_in(work: Path, series: Path, slices: list[int]) -> dict[str, Path]:
    """Folders by name: the real series, if there is one, and a phantom for each number of slices."""
    scans = {"real": series} if series.is_dir() else {}
    if not scans:
        print("the real series is absent: only phantoms are measured", file=sys.stderr)
    for count in slices:
        scanner = replace(SCANNERS[0], spacing_mm=HEIGHT_MM / count, thickness_mm=HEIGHT_MM / count)
        scans[str(count)] = write_phantom(work / str(count), "covid", scanner, 1)
    return scans


def figures_of(timings: dict[str, DiagnosisTiming]) -> dict[str, float | None]:
    figures: dict[str, float | None] = {
        "ratio": min(one.eager_s / one.total_s for one in timings.values()),
        "ratio_networks": min(one.eager_networks_s / one.stages["networks_s"] for one in timings.values()),
        "difference": max(one.difference for one in timings.values()),
        "peak_mb": timings[str(PEAK)].peak_mb if str(PEAK) in timings else None,
    }
    figures |= {f"seconds_{scan}": one.total_s for scan, one in timings.items()}
    others = {scan: one for scan, one in timings.items() if scan != str(PEAK)}
    return figures | {f"peak_mb_{scan}": one.peak_mb for scan, one in others.items()}


if __name__ == "__main__":
    main()
