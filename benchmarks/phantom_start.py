"""What phantoms teach: weights that learning from few published images begins with.

Phantoms' slices are made to look as published images do, and are learned from in the same way.
"""

from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.ct_images import CtImage
from benchmarks.image_learning import image_study, learn
from preprocessing.phantom.acquisition import simulate_scan
from preprocessing.phantom.presets import SCANNERS
from shared_model.study import StudyConfig
from shared_model.weights import Weights

SCANS, SEED = 600, 1
LABELS = ("covid", "other", "covid", "other", "healthy")  # by turns
SPACING_MM = 24.0  # between a scan's slices: neighbours would show the same
SLICES = 8  # of a scan, at most
LEAST_LUNG = 0.4  # of the largest slice's lung: the others show hardly any
LEAST_INFECTED = 0.01  # of a slice's lung: what shows no COVID-19 is not published as COVID-19
# Lung windows, Hounsfield units, evenly both ways.
LEVEL, LEVEL_STRAYS = -600.0, 120.0
WIDTH, WIDTH_STRAYS = 1500.0, 300.0

PASSES, ROUNDS, BATCH, RATE = 20, 20, 16, 2e-3


def phantom_weights(jobs: int) -> Weights:
    """The COVID-19 network that has learned COVID-19 against other pneumonia and healthy lungs."""
    weights = learn([phantom_images(SCANS, jobs)], phantom_study(), {})
    return {name: array for name, array in weights.items() if name.startswith("covid/")}


def phantom_study() -> StudyConfig:
    return image_study(passes=PASSES, rounds=ROUNDS, batch=BATCH, rate=RATE)


def phantom_images(scans: int, jobs: int) -> list[CtImage]:
    """Slices of `scans` phantoms by all scanners, made in `jobs` processes, whose number changes nothing."""
    if jobs == 1:
        return [image for number in range(scans) for image in _slices(number)]
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        return [image for images in pool.map(_slices, range(scans), chunksize=4) for image in images]


def _slices(number: int) -> list[CtImage]:
    """What one phantom would be published with; slices in which no lungs are found are left out."""
    cv2.setNumThreads(1)
    label = LABELS[number % len(LABELS)]
    scanner = SCANNERS[number // len(LABELS) % len(SCANNERS)]
    scan = simulate_scan(label, replace(scanner, spacing_mm=SPACING_MM), (SEED, number))
    draw = np.random.default_rng([SEED, number, 7])  # apart from the phantom's own draws, 0 to 2
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
    level = LEVEL + draw.uniform(-LEVEL_STRAYS, LEVEL_STRAYS)
    width = WIDTH + draw.uniform(-WIDTH_STRAYS, WIDTH_STRAYS)
    return np.asarray(255 * ((hu - level) / width + 0.5).clip(0, 1), np.uint8)
