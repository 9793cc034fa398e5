"""Infection found in a scan against the infection drawn into it, voxel by voxel."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from client.diagnosis.scan_inference import infer_scan
from preprocessing.crop import to_image
from preprocessing.pipeline import PreparedScan
from shared_model.networks import LobeNetwork

SLICE_SHARE = 0.01  # of a slice's lung: a slice with less infection is not counted as infected
LESION_ML, LESION_SHARE = 0.2, 0.1


@dataclass(frozen=True)
class Case:
    """A scan, and the lungs and infection drawn into it: bool [slice, row, column]."""

    label: str
    scan: PreparedScan
    lungs: NDArray[np.bool_]
    infection: NDArray[np.bool_]


@dataclass(frozen=True)
class Found:
    """One scan's infection, found and drawn.

    dice, dice_semi None where nothing is drawn; percents of the lungs; slices, lesions: found, drawn.
    """

    label: str
    dice: float | None
    dice_semi: float | None
    percent: float
    true_percent: float
    slices: tuple[int, int]
    lesions: tuple[int, int]


def compare(case: Case, network: LobeNetwork) -> Found:
    """The infection that `network` finds in one scan, against the truth."""
    seen = infer_scan(case.scan, {"diseased": network}, dtype=torch.float32)
    found, drawn = seen.infected, case.infection
    lung_pixels = sum(lobe.area for lobe in case.scan.lobes)
    voxel_ml = float(np.prod(case.scan.spacing_mm)) / 1000
    return Found(
        label=case.label,
        dice=dice(found, drawn),
        dice_semi=dice(semi_infection(case.scan), drawn),
        percent=100 * float(seen.infected_pixels.sum()) / lung_pixels,
        true_percent=100 * float(drawn.sum()) / float(case.lungs.sum()),
        slices=slices_found(found, drawn, case.lungs),
        lesions=lesions_found(found, drawn, voxel_ml),
    )


def dice(found: NDArray[np.bool_], drawn: NDArray[np.bool_]) -> float | None:
    """Dice of two masks; None where nothing is drawn."""
    if not drawn.any():
        return None
    return 2 * float((found & drawn).sum()) / float(found.sum() + drawn.sum())


def slices_found(
    found: NDArray[np.bool_], drawn: NDArray[np.bool_], lungs: NDArray[np.bool_]
) -> tuple[int, int]:
    """Of the slices infected by SLICE_SHARE of their lung, those in which some infection is found; all."""
    infected = drawn.sum(axis=(1, 2)) > SLICE_SHARE * lungs.sum(axis=(1, 2))
    hit = (found & drawn).any(axis=(1, 2))
    return int((infected & hit).sum()), int(infected.sum())


def lesions_found(found: NDArray[np.bool_], drawn: NDArray[np.bool_], voxel_ml: float) -> tuple[int, int]:
    """Of the connected lesions of LESION_ML or more, those found by LESION_SHARE of them; all."""
    labels, count = ndimage.label(drawn)
    volume = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    hit = np.bincount(labels[found], minlength=count + 1)[1:]
    large = volume * voxel_ml >= LESION_ML
    return int((large & (hit >= LESION_SHARE * volume)).sum()), int(large.sum())


def semi_infection(scan: PreparedScan) -> NDArray[np.bool_]:
    """The semi-infection masks (2.7.2) on the scan's own pixels: bool [slice, row, column]."""
    result = np.zeros(scan.images.shape, np.bool_)
    rows, columns = scan.images.shape[1:]
    for lobe, crop, fake in zip(scan.lobes, scan.crops, scan.arrays.semi_infection, strict=True):
        result[lobe.slice] |= to_image(fake, crop, (rows, columns))
    return result
