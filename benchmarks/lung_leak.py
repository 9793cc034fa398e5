"""Lungs of real scans against a judge that knows the scan alone: chest wall, outside air, missed air.

`python -m benchmarks.lung_leak [--json]`, beside ../shared with data/ and checks/lung_leak.py.

For each scan SCAN of normal, cap (COVID-CT-MD) and chest (CPTAC C3N-00247), as they are:

SCAN_outside_ml     mask in the air around the patient
SCAN_soft_ml        mask in tissue more than 15 mm, in its slice, from air in the chest
SCAN_missed_ml      air in the chest that is not in the mask, airways and bowel gas included
SCAN_swapped_ml     mask on the other side of the body's middle; lungs do cross it a little
SCAN_seconds        of finding the lungs, processor time of one core

Each scan again, altered: resampled to 1, 5 and 8 mm (thick slices are means), shifted by 20 x 23 pixels, and
cropped at the sides 8 mm off the lungs:

SCAN_drift          largest change of the lungs' volume, share
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.support.result import print_result
from preprocessing.batch_effect import remove_batch_effect
from preprocessing.lung_masks import lung_mask, nifti_bytes
from preprocessing.lungs.consistent_lobes import consistent_lungs
from preprocessing.pipeline import find_scan_lobes
from preprocessing.reading.series_selection import select_series
from preprocessing.reading.volume import CtVolume, load_volume

SHARED = Path(__file__).resolve().parents[2] / "shared"
SCANS = {"normal": "covid-ct-md/normal", "cap": "covid-ct-md/cap", "chest": "chest-ct"}
JUDGED = ("outside_ml", "soft_ml", "missed_ml", "swapped_ml")
SPACINGS_MM = (1.0, 5.0, 8.0)
SHIFT = (20, 23)  # rows, columns
OFF_LUNGS_MM = 8.0
AIR_HU = -1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    if not SHARED.is_dir():
        sys.exit(f"{SHARED} is absent: there are no real scans to judge")
    cv2.setNumThreads(1)
    figures: dict[str, float] = {}
    for name, folder in SCANS.items():
        found = {**judged(SHARED / "data" / folder), **drift_of(SHARED / "data" / folder)}
        figures |= {f"{name}_{figure}": value for figure, value in found.items()}
    print_result(figures, {"scans": dict(SCANS), "spacings_mm": list(SPACINGS_MM)}, as_json=chosen.json)


def judged(folder: Path) -> dict[str, float]:
    """What the judge says of the mask that `hospital lobes --masks` writes of the scan in `folder`."""
    series = select_series(folder).required()
    mask = nifti_bytes(lung_mask(find_scan_lobes(series), series), compress=True)
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "lungs.nii.gz"
        path.write_bytes(mask)
        command = [sys.executable, str(SHARED / "checks" / "lung_leak.py"), str(folder), str(path)]
        said = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return {figure: float(said[figure]) for figure in JUDGED}


def drift_of(folder: Path) -> dict[str, float]:
    """Seconds of finding the lungs of the scan in `folder`, and their largest change when it is altered."""
    volume = load_volume(select_series(folder).required())
    images = remove_batch_effect(volume)
    start = time.process_time()
    lungs = consistent_lungs(images, volume.spacing_mm)
    seconds = time.process_time() - start
    whole = volume_ml(lungs, volume.spacing_mm)
    drift = 0.0
    for altered in altered_volumes(volume, lungs):
        found = consistent_lungs(remove_batch_effect(altered), altered.spacing_mm)
        drift = max(drift, abs(volume_ml(found, altered.spacing_mm) / whole - 1))
    return {"seconds": seconds, "drift": drift}


def altered_volumes(volume: CtVolume, lungs: NDArray[np.uint8]) -> list[CtVolume]:
    """The scan resampled, shifted, and cropped at the sides."""
    moved = np.full_like(volume.hu, AIR_HU)
    rows, columns = SHIFT
    moved[:, :-rows, columns:] = volume.hu[:, rows:, :-columns]
    across = np.flatnonzero(lungs.any(axis=(0, 1)))
    off = round(OFF_LUNGS_MM / volume.spacing_mm[2])
    cropped = np.ascontiguousarray(volume.hu[:, :, max(0, across[0] - off) : across[-1] + off])
    resampled = [with_hu(resample(volume, mm), mm, volume) for mm in SPACINGS_MM]
    return [
        *resampled,
        with_hu(moved, volume.spacing_mm[0], volume),
        with_hu(cropped, volume.spacing_mm[0], volume),
    ]


def resample(volume: CtVolume, slice_mm: float) -> NDArray[np.int16]:
    """HU at slices `slice_mm` apart: interpolated if thinner than the scan's, else means of its slices."""
    places = np.arange(0, len(volume.hu) - 1, slice_mm / volume.spacing_mm[0])
    half = slice_mm / volume.spacing_mm[0] / 2
    if half <= 0.5:
        below = places.astype(np.int64)
        share = (places - below)[:, np.newaxis, np.newaxis]
        return np.rint((1 - share) * volume.hu[below] + share * volume.hu[below + 1]).astype(np.int16)
    means = [volume.hu[max(0, int(np.ceil(p - half))) : int(p + half) + 1].mean(axis=0) for p in places]
    return np.rint(means).astype(np.int16)


def with_hu(hu: NDArray[np.int16], slice_mm: float, volume: CtVolume) -> CtVolume:
    """A volume of `hu` with slices `slice_mm` apart and the pixels of `volume`."""
    z_mm = np.arange(len(hu), dtype=np.float64) * slice_mm
    return CtVolume(hu, np.zeros(hu.shape, np.bool_), (slice_mm, *volume.spacing_mm[1:]), z_mm, ())


def volume_ml(lungs: NDArray[np.uint8], spacing_mm: tuple[float, float, float]) -> float:
    """Volume of both lungs."""
    return np.count_nonzero(lungs) * float(np.prod(spacing_mm)) / 1000


if __name__ == "__main__":
    main()
