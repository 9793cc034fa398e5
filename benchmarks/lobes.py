"""Lobes against the truth of phantoms, on the phantoms' six scanners.

`python -m benchmarks.lobes [--json] [--patients N] [--method paper]`

Patients of the three classes alternate on each scanner; their seeds are not those of any preset.

mean_dice                       Dice of a lung against the truth, mean over lungs
dice_healthy, dice_least        mean over healthy patients' lungs; the least
below_097                       share of the lungs with a Dice below 0.97
swapped                         the largest share of a scan's lung that is given to the other side
infection_kept                  share of the infection that the masks hold
consolidation_kept              the same of its part above -250 HU
infection_in_box                share of the infection that its lobes' boxes hold
other_gas_ml                    air more than 3 mm outside the lungs that is labelled lung, mean per scan, ml
lobes_missed                    lungs of 400 mm2 or more in a slice without a lobe, of all scans
seconds_per_100_slices          of find_lobes, at 512 x 512, processor time of one core
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.support.result import print_result
from preprocessing.batch_effect import remove_batch_effect
from preprocessing.lungs.lobes import Lobe, LobeMethod, find_lobes
from preprocessing.phantom.acquisition import simulate_scan
from preprocessing.phantom.presets import SCANNERS
from preprocessing.phantom.scanner import Scanner
from preprocessing.reading.volume import CtVolume

LABELS = ("healthy", "covid", "other")
SEED = 20260
LEAST_DICE = 0.97
DENSE_HU, GAS_HU = -250, -850
NEAR_MM, LEAST_MM2 = 3.0, 400.0


@dataclass(frozen=True)
class Case:
    """One scan: HU, the truth as simulate_scan gives it, the lobes, and how long they took."""

    label: str
    hu: NDArray[np.int16]
    lungs: NDArray[np.uint8]
    infection: NDArray[np.bool_]
    spacing_mm: tuple[float, float, float]
    lobes: list[Lobe]
    seconds: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--patients", type=int, default=36)
    parser.add_argument("--method", choices=("consistent", "paper"), default="consistent")
    chosen = parser.parse_args()
    cv2.setNumThreads(1)
    rows = [measure(case) for case in cases(chosen.patients, chosen.method)]
    settings = {"patients": chosen.patients, "method": chosen.method, "scanners": len(SCANNERS), "seed": SEED}
    print_result(figures_of(rows), settings, as_json=chosen.json)


def cases(patients: int, method: LobeMethod) -> Iterator[Case]:
    """The scans with their lobes, one after the other."""
    for number in range(patients):
        label, scanner = LABELS[number % 3], SCANNERS[number // 3 % len(SCANNERS)]
        scan = simulate_scan(label, scanner, (SEED, number))
        volume = _stored(scanner, np.asarray(scan.hu), scan.z_mm)
        images = remove_batch_effect(volume)
        start = time.process_time()
        lobes = find_lobes(images, volume.spacing_mm, method=method)
        seconds = time.process_time() - start
        yield Case(label, volume.hu, scan.lungs, scan.infection, volume.spacing_mm, lobes, seconds)


def _stored(scanner: Scanner, hu: NDArray[np.float32], z_mm: NDArray[np.float64]) -> CtVolume:
    """The volume that reading the scan's files would give."""
    read = np.rint(scanner.store(hu) * scanner.slope + scanner.intercept).astype(np.int16)
    padding = np.zeros(read.shape, np.bool_)
    if (outside := scanner.outside_field()) is not None:
        padding[:, outside] = True
    return CtVolume(read, padding, (scanner.spacing_mm, scanner.pixel_mm, scanner.pixel_mm), z_mm, ())


def measure(case: Case) -> dict[str, float]:
    """The figures of one scan: shares, ml, counts."""
    found, boxes = np.zeros_like(case.lungs), np.zeros_like(case.lungs)
    for lobe in case.lobes:
        row0, column0, row1, column1 = lobe.box
        found[lobe.slice, row0:row1, column0:column1][lobe.mask] = lobe.side + 1
        boxes[lobe.slice, row0:row1, column0:column1] |= np.uint8(lobe.side + 1)
    dense = case.infection & (case.hu > DENSE_HU)
    pixel_mm2 = case.spacing_mm[1] * case.spacing_mm[2]
    seen = np.stack([(found == side).any(axis=(1, 2)) for side in (1, 2)])
    large = np.stack([(case.lungs == side).sum(axis=(1, 2)) * pixel_mm2 >= LEAST_MM2 for side in (1, 2)])
    return {
        "healthy": case.label == "healthy",
        "right": dice(found == 1, case.lungs == 1),
        "left": dice(found == 2, case.lungs == 2),
        "swapped": float(((found + case.lungs == 3) & (found > 0) & (case.lungs > 0)).sum())
        / (case.lungs > 0).sum(),
        "infection": float(case.infection.sum()),
        "infection_kept": float((found > 0)[case.infection].sum()),
        "infection_in_box": float(((boxes & case.lungs) > 0)[case.infection].sum()),
        "dense": float(dense.sum()),
        "dense_kept": float((found > 0)[dense].sum()),
        "gas_ml": _gas(case, found) * pixel_mm2 * case.spacing_mm[0] / 1000,
        "missed": float((large & ~seen).sum()),
        "seconds": case.seconds / found.size * 100 * 512**2,
    }


def dice(found: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    """Dice coefficient of two masks."""
    return float(2 * (found & truth).sum() / (found.sum() + truth.sum()))


def _gas(case: Case, found: NDArray[np.uint8]) -> float:
    """Voxels as dark as air that are labelled lung more than NEAR_MM outside it."""
    reach = 2 * round(NEAR_MM / case.spacing_mm[1]) + 1
    kernel = np.ones((reach, reach), np.uint8)
    near = np.stack([cv2.dilate((image > 0).astype(np.uint8), kernel) > 0 for image in case.lungs])
    return float(((found > 0) & ~near & (case.hu < GAS_HU)).sum())


def figures_of(rows: list[dict[str, float]]) -> dict[str, float]:
    """The figures of all scans from those of `measure`."""
    lungs = np.array([[row["right"], row["left"]] for row in rows])
    healthy = np.array([row["healthy"] for row in rows], np.bool_)
    total = {name: sum(row[name] for row in rows) for name in rows[0]}
    return {
        "mean_dice": float(lungs.mean()),
        "dice_healthy": float(lungs[healthy].mean()),
        "dice_least": float(lungs.min()),
        "below_097": float((lungs < LEAST_DICE).mean()),
        "swapped": max(row["swapped"] for row in rows),
        "infection_kept": total["infection_kept"] / max(1, total["infection"]),
        "consolidation_kept": total["dense_kept"] / max(1, total["dense"]),
        "infection_in_box": total["infection_in_box"] / max(1, total["infection"]),
        "other_gas_ml": total["gas_ml"] / len(rows),
        "lobes_missed": total["missed"],
        "seconds_per_100_slices": total["seconds"] / len(rows),
    }


if __name__ == "__main__":
    main()
