"""Simulates a CT scan of a random patient: HU and ground truth masks."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from preprocessing.phantom.anatomy import Anatomy
from preprocessing.phantom.chest import random_chest
from preprocessing.phantom.disease import LAWS, LawName, random_findings
from preprocessing.phantom.lesion_sites import Lungs
from preprocessing.phantom.lesions import OpacityMap
from preprocessing.phantom.painting import PAINT_TO_HU, Float32Array, Frame, UInt8Array, paint
from preprocessing.phantom.parenchyma import lung_tissue
from preprocessing.phantom.patient import Patient
from preprocessing.phantom.scanner import Scanner, add_noise, draw_table, sharpen_and_blur

_THICK_MM = 2.5  # slices from this thickness on are painted at two heights and averaged
_CHEST_MIDDLE_MM = 12.0  # y of the patient that is centred in the field of view


@dataclass(frozen=True)
class PhantomScan:
    """A simulated scan and its ground truth, all [slice, row, column], slices feet to head.

    hu: float32 HU before rounding to stored values. lungs: uint8, 0 none, 1 right, 2 left. infection: bool.
    z_mm: float64 [slice], slice positions in scanner coordinates.
    """

    hu: Float32Array
    lungs: UInt8Array
    infection: NDArray[np.bool_]
    z_mm: NDArray[np.float64]


def simulate_scan(label: str, scanner: Scanner, seed: tuple[int, ...], law: LawName = "usual") -> PhantomScan:
    """Generate a random patient of class `label` ("healthy", "covid", "other") and scan it.

    law: where the diseases lie.

    Deterministic: equal arguments give bit-identical scans.
    """
    body, disease, slices = (np.random.default_rng([*seed, k]) for k in range(3))
    chest = random_chest(body)
    anatomy = Anatomy(chest, seed)
    lungs = Lungs.from_lung_map(anatomy.lung_map, chest.lung_hu)
    findings = random_findings(label, lungs, disease, LAWS[law])
    if any(findings.effusion):
        anatomy = Anatomy(replace(chest, effusion=findings.effusion), seed)
    start = chest.base - slices.uniform(4, 4 + scanner.spacing_mm)
    z_mm = np.arange(start, chest.apex + 6, scanner.spacing_mm)
    off_centre = np.asarray(chest.shift) + slices.normal(0, scanner.off_centre_mm / 2, 2)
    centre = (float(off_centre[0]), float(off_centre[1]) + _CHEST_MIDDLE_MM)
    frame = Frame.centred(scanner.matrix, scanner.matrix, scanner.pixel_mm, centre, chest.turn)
    return _acquire(Patient(anatomy, findings, scanner, frame, z_mm), slices)


def _acquire(patient: Patient, rng: np.random.Generator) -> PhantomScan:
    painted = [_paint(patient, float(z)) for z in patient.z_mm]
    sides = patient.sides(np.stack([cover for _, cover in painted]))
    disease = patient.opacity_map(sides)
    hu, infection = np.empty(sides.shape, np.float32), np.zeros(sides.shape, bool)
    for k, (tissue, cover) in enumerate(painted):
        hu[k] = cv2.LUT(tissue, PAINT_TO_HU)
        _add_lung_tissue(patient, k, cover, disease, hu[k], infection[k])
        hu[k] = sharpen_and_blur(hu[k], patient.scanner)
        add_noise(hu[k], patient.scanner, rng)
    infection &= sides > 0
    return PhantomScan(hu, sides, infection, patient.z_mm + patient.chest.apex)


def _paint(patient: Patient, z: float) -> tuple[UInt8Array, UInt8Array]:
    """Tissue levels and lung coverage of a slice, averaged over the thickness of a thick one."""
    thickness = patient.scanner.thickness_mm
    if thickness < _THICK_MM:
        return _paint_thin(patient, z)
    (a, b), (c, d) = (_paint_thin(patient, z + sign * thickness / 4) for sign in (-1, 1))
    mean_tissue, mean_cover = cv2.addWeighted(a, 0.5, c, 0.5, 0), cv2.addWeighted(b, 0.5, d, 0.5, 0)
    return np.asarray(mean_tissue, np.uint8), np.asarray(mean_cover, np.uint8)


def _paint_thin(patient: Patient, z: float) -> tuple[UInt8Array, UInt8Array]:
    tissue, cover = paint(patient.anatomy.slice(z), patient.frame)
    draw_table(tissue, patient.frame, patient.scanner, patient.back_mm)
    return tissue, cover


def _add_lung_tissue(
    patient: Patient,
    k: int,
    cover: UInt8Array,
    disease: OpacityMap,
    hu: Float32Array,
    infection: NDArray[np.bool_],
) -> None:
    """Fill the lungs of slice k with lung tissue and mark infected pixels, in place."""
    rows, columns = np.flatnonzero(cover.any(1)), np.flatnonzero(cover.any(0))
    if not len(rows):
        return
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    lung, infection[box] = lung_tissue(patient, k, box, disease)
    lung -= np.float32(patient.chest.lung_hu)  # painted there already
    hu[box] += cover[box].astype(np.float32) * np.float32(1 / 255) * lung
