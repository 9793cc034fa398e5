"""Pretraining on phantoms: initial weights for training on few published images.

Slices of phantoms are rendered like published images, and training on them is the same.
"""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from multiprocessing import get_context

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.support.image_training import image_study, learn
from benchmarks.support.published_images import CtImage
from preprocessing.phantom.acquisition import simulate_scan
from preprocessing.phantom.presets import SCANNERS
from preprocessing.phantom.scanner import Scanner
from shared_model.study import StudyConfig
from shared_model.weights import Weights

SCANS, SEED = 600, 1
LABELS = ("covid", "other", "covid", "other", "healthy")  # of the phantoms, in turn
SPACING_MM = 24.0  # between a scan's slices: nearer ones look alike
SLICES = 8  # of a scan, at most
LEAST_LUNG = 0.4  # of the lung in the slice with most of it
LEAST_INFECTED = 0.01  # of a slice's lung, in scans with COVID-19
# Lung windows, Hounsfield units, uniform around the middle.
LEVEL, LEVEL_RANGE = -600.0, 120.0
WIDTH, WIDTH_RANGE = 1500.0, 300.0

PASSES, ROUNDS, BATCH, RATE = 20, 20, 16, 2e-3


def phantom_weights(jobs: int) -> Weights:
    """Weights of the COVID-19 network trained on COVID-19 against other pneumonia and healthy lungs."""
    weights = learn([phantom_images(SCANS, jobs)], phantom_study(), {})
    return {name: array for name, array in weights.items() if name.startswith("covid/")}


def phantom_study() -> StudyConfig:
    """The study of pretraining."""
    return image_study(passes=PASSES, rounds=ROUNDS, batch=BATCH, rate=RATE)


def phantom_images(scans: int, jobs: int, scanners: Sequence[Scanner] = SCANNERS) -> list[CtImage]:
    """Slices of `scans` phantoms on the scanners in turn; the same for any number of processes `jobs`."""
    slices = partial(_slices, scanners)
    if jobs == 1:
        return [image for number in range(scans) for image in slices(number)]
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        return [image for images in pool.map(slices, range(scans), chunksize=4) for image in images]


def _slices(scanners: Sequence[Scanner], number: int) -> list[CtImage]:
    """Images of one phantom; slices in which no lungs are found are left out."""
    cv2.setNumThreads(1)
    label = LABELS[number % len(LABELS)]
    scanner = scanners[number // len(LABELS) % len(scanners)]
    scan = simulate_scan(label, replace(scanner, spacing_mm=SPACING_MM), (SEED, number))
    draw = np.random.default_rng([SEED, number, 7])  # independent of the phantom's own draws, 0 to 2
    lung = (scan.lungs > 0).sum(axis=(1, 2))
    infected = (scan.infection & (scan.lungs > 0)).sum(axis=(1, 2))
    shown = lung > LEAST_LUNG * lung.max()
    if label == "covid":
        shown &= infected > LEAST_INFECTED * lung
    places = np.flatnonzero(shown)
    chosen = np.sort(draw.choice(places, min(SLICES, len(places)), replace=False))
    images = [
        CtImage.of(f"{number}-{place}", str(number), label == "covid", windowed(scan.hu[place], draw))
        for place in chosen
    ]
    return [image for image in images if image.lungs.any()]


def windowed(hu: NDArray[np.float32], draw: np.random.Generator) -> NDArray[np.uint8]:
    """A slice [row, column] in Hounsfield units as grey levels of a lung window."""
    level = LEVEL + draw.uniform(-LEVEL_RANGE, LEVEL_RANGE)
    width = WIDTH + draw.uniform(-WIDTH_RANGE, WIDTH_RANGE)
    return np.asarray(255 * ((hu - level) / width + 0.5).clip(0, 1), np.uint8)
