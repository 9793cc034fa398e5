"""Differences between scanners before and after 2.2: the same phantoms on eight scanners.

`python -m benchmarks.batch_effect [--json] [--patients N]`

The scanners differ in slope, intercept, signs, bits, padding, calibration, field of view, matrix, noise,
kernel and table. Each scan is written to DICOM files and read again. Lungs are measured a little inside their
outline, in regions: two sides, three heights, three depths.

max_difference         largest difference of a region's mean from the same patient on a scanner without noise,
                       as a share of the range 0..2048; goal: 0.01 plus noise. _hu: the same before 2.2.
                       difference_of_90_percent: nine of ten scans differ by no more
noise                  the most that a scanner's noise alone changes a region's mean; voxel_noise: the largest
                       standard deviation of a voxel by noise (both after 2.2, as shares of the range)
site_accuracy_before   accuracy of logistic regression of the scanner on the regions' means of stored values,
                       cross-validated by patient; _hu: of HU; _after: after 2.2. Chance is 0.125
site_accuracy_texture  after 2.2, from each lung's standard deviation and quantiles: 2.2 removes neither noise
                       nor the effect of the kernel
"""

import argparse
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.support.result import print_result
from preprocessing.batch_effect import remove_batch_effect
from preprocessing.phantom.acquisition import PhantomScan, simulate_scan
from preprocessing.phantom.dicom import write_series
from preprocessing.phantom.scanner import Scanner
from preprocessing.reading.series import find_series
from preprocessing.reading.volume import CtVolume, load_volume
from shared_model.constants import FULL_SCALE

INSIDE_MM = 5.0  # the outline itself differs with the kernel
LABELS = ("healthy", "covid", "other")
PARTS = 3  # heights, and depths, of a lung
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)

PLAIN = Scanner(
    "One", "B40f", matrix=256, pixel_mm=1.45, spacing_mm=10, blur_mm=1.2, noise_hu=15, grain_mm=1.5
)
QUIET = replace(PLAIN, noise_hu=0)
SCANNERS = (
    PLAIN,
    replace(PLAIN, model="Two", intercept=0, signed=True, padding=-2000, table="flat"),
    replace(PLAIN, model="Three", slope=0.5, intercept=-1000, signed=True, padding=-3024, drift_hu=15),
    replace(PLAIN, model="Four", slope=2, intercept=-2048, bits=12, drift_hu=12, noise_hu=26, implicit=True),
    replace(PLAIN, model="Five", pixel_mm=1.3, off_centre_mm=14, drift_hu=-4, kvp=100),
    replace(
        PLAIN, model="Six", kernel="B70f", blur_mm=0.8, edge=0.6, grain_mm=1.2, noise_hu=24, padding=-1024
    ),
    replace(PLAIN, model="Seven", kernel="B20f", blur_mm=1.8, noise_hu=8, drift_hu=-20, table="none"),
    replace(PLAIN, model="Eight", matrix=320, pixel_mm=1.25, intercept=-8192, drift_hu=25, padding=-2000),
)


@dataclass(frozen=True)
class Measured:
    """One scan, float64.

    stored, hu, after: means of stored values, of HU and of the images after 2.2 (0..2048), [region].
    texture: standard deviation and quantiles of each lung after 2.2.
    """

    stored: NDArray[np.float64]
    hu: NDArray[np.float64]
    after: NDArray[np.float64]
    texture: NDArray[np.float64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--patients", type=int, default=16)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    scans = [
        [measure(number, scanner) for scanner in (QUIET, *SCANNERS)] for number in range(chosen.patients)
    ]
    noise = [noise_of(scanner) for scanner in SCANNERS]
    settings = {"patients": chosen.patients, "scanners": len(SCANNERS), "chance": 1 / len(SCANNERS)}
    print_result(figures_of(scans, noise), settings, as_json=chosen.json)


def measure(patient: int, scanner: Scanner) -> Measured:
    """The patient with that number on the scanner."""
    scan = simulate_scan(LABELS[patient % len(LABELS)], scanner, (patient,))
    volume = through_files(scan, scanner)
    images = remove_batch_effect(volume)
    regions = regions_of(scan.lungs, scanner.pixel_mm)
    lungs = [images[(scan.lungs == side) & (regions > 0)] for side in (1, 2)]
    return Measured(
        stored=means(scanner.store(scan.hu), regions),
        hu=means(volume.hu, regions),
        after=means(images, regions),
        texture=np.concatenate([(lung.std(), *np.quantile(lung, QUANTILES)) for lung in lungs]),
    )


def through_files(scan: PhantomScan, scanner: Scanner) -> CtVolume:
    """The scan as it is read from the DICOM files that the scanner writes."""
    with tempfile.TemporaryDirectory() as folder:
        stored, rng = scanner.store(scan.hu), np.random.default_rng(0)
        write_series(Path(folder), stored, scan.z_mm, scanner, identity="P", rng=rng)
        return load_volume(find_series(Path(folder)).accepted[0])


def noise_of(scanner: Scanner) -> tuple[float, float]:
    """What noise alone does after 2.2: most to a region's mean, and a voxel's standard deviation."""
    images = []
    for one in (scanner, replace(scanner, noise_hu=0)):
        scan = simulate_scan(LABELS[0], one, (0,))
        images.append(remove_batch_effect(through_files(scan, one)).astype(np.float64))
    regions = regions_of(scan.lungs, scanner.pixel_mm)
    difference = images[0] - images[1]
    return float(np.abs(means(difference, regions)).max()), float(difference[regions > 0].std())


def regions_of(lungs: NDArray[np.uint8], pixel_mm: float) -> NDArray[np.int64]:
    """Number of the region, from 1, of each voxel well inside a lung, [slice, row, column]; else 0.

    Each lung (uint8, 1 and 2) is cut into thirds of equal volume by height and by depth.
    """
    regions = np.zeros(lungs.shape, np.int64)
    for side in (0, 1):
        depths = [ndimage.distance_transform_edt(one, pixel_mm) for one in lungs == side + 1]
        places = np.nonzero(np.stack(depths) > INSIDE_MM)
        height, depth = (_thirds(places[axis]) for axis in (0, 1))
        regions[places] = 1 + PARTS * (PARTS * side + height) + depth
    return regions


def means(values: NDArray[Any], regions: NDArray[np.int64]) -> NDArray[np.float64]:
    """Mean of each region, [region]."""
    count = 2 * PARTS**2
    return np.asarray(ndimage.mean(values, regions, np.arange(1, count + 1)))


def figures_of(scans: list[list[Measured]], noise: list[tuple[float, float]]) -> dict[str, float]:
    """From all scans [patient][scanner, the quiet one first] and each scanner's noise_of."""

    def accuracy(name: str) -> float:
        return site_accuracy([[getattr(one, name) for one in patient[1:]] for patient in scans])

    def largest(name: str, share: float = 1) -> float:
        differences = [
            np.abs(getattr(one, name) - getattr(quiet, name)).max() / FULL_SCALE
            for quiet, *others in scans
            for one in others
        ]
        return float(np.quantile(differences, share))

    return {
        "max_difference": largest("after"),
        "difference_of_90_percent": largest("after", 0.9),
        "max_difference_hu": largest("hu"),
        "noise": max(mean for mean, _ in noise) / FULL_SCALE,
        "voxel_noise": max(voxel for _, voxel in noise) / FULL_SCALE,
        "site_accuracy_before": accuracy("stored"),
        "site_accuracy_hu": accuracy("hu"),
        "site_accuracy_after": accuracy("after"),
        "site_accuracy_texture": accuracy("texture"),
    }


def site_accuracy(features: list[list[NDArray[np.float64]]]) -> float:
    """Share of scans whose scanner is predicted from features [patient][scanner][feature], by patient."""
    patients, scanners, _ = np.shape(features)
    rows = np.concatenate(features)
    sites = np.tile(np.arange(scanners), patients)
    groups = np.repeat(np.arange(patients), scanners)
    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000))
    folds = GroupKFold(n_splits=min(8, patients))
    return float((cross_val_predict(classifier, rows, sites, groups=groups, cv=folds) == sites).mean())


def _thirds(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """0, 1 or 2: which of PARTS equal parts of all values each lies in."""
    return np.searchsorted(np.quantile(values, np.arange(1, PARTS) / PARTS), values, side="left")


if __name__ == "__main__":
    main()
