"""HU of the lungs in one slice: parenchyma, disease, vessels, airways, nodules."""

import numpy as np
from numpy.typing import NDArray

from preprocessing.phantom.lesions import OpacityMap
from preprocessing.phantom.noise import noise_at
from preprocessing.phantom.painting import Float32Array, UInt8Array
from preprocessing.phantom.patient import Box, Patient
from preprocessing.phantom.tube_segments import Tubes

_AIR_HU, _SOFT_HU = -985.0, 30.0
_PAVING_HU = 260.0
_AIRWAY_WALL_MM, _AIRWAY_WALL_HU = 0.6, -400.0
_INFECTED_LEVEL = 90  # of 255: coverage from which a nodule's pixel is infected


def lung_tissue(
    patient: Patient, k: int, box: Box, disease: OpacityMap
) -> tuple[Float32Array, NDArray[np.bool_]]:
    """HU of a box of slice k as if all of it were lung, float32 [row, column]; and infected pixels, bool."""
    lung = _healthy_lung(patient, k, box)
    infected = _add_disease(lung, patient, k, box, disease)
    grains = _draw_tubes(patient, patient.findings.nodules.tubes(), k, box)
    if grains is not None:
        _brighten(lung, grains, _SOFT_HU)
        infected |= grains > _INFECTED_LEVEL
    _add_structures(lung, patient, k, box)
    return np.minimum(lung, max(patient.chest.blood_hu, 90), out=lung), infected


def _axes(patient: Patient, k: int, box: Box) -> tuple[NDArray[np.float64], ...]:
    """Axes z, y, x of a box's pixels, mm, ignoring the patient's small rotation."""
    frame = patient.frame
    y = (np.arange(box[0].start, box[0].stop) - frame.matrix[1, 2]) * frame.pixel_mm
    x = (np.arange(box[1].start, box[1].stop) - frame.matrix[0, 2]) * frame.pixel_mm
    return patient.z_mm[k : k + 1], y, x


def _healthy_lung(patient: Patient, k: int, box: Box) -> Float32Array:
    """Healthy lung: noisy, denser towards the back, with dependent density."""
    chest, findings = patient.chest, patient.findings
    z, y, x = _axes(patient, k, box)
    lung = 22 * noise_at(z, y, x, scale_mm=1.7, key=1)[0] + 14 * noise_at(z, y, x, scale_mm=9, key=2)[0]
    low = y / chest.depth
    lowest = np.exp((low - 0.92) * chest.depth / findings.dependent_mm)
    ramp = chest.lung_hu + 0.5 * chest.gravity_hu * low + findings.dependent_hu * lowest
    lung += ramp.astype(np.float32)[:, None]
    return lung


def _add_disease(
    lung: Float32Array, patient: Patient, k: int, box: Box, disease: OpacityMap
) -> NDArray[np.bool_]:
    """Add the opacities' density and crazy paving, in place; returns infected pixels (coverage above 0.5)."""
    if not disease.added[k].any():
        return np.zeros(lung.shape, bool)
    z, y, x = _axes(patient, k, box)
    lung += patient.at_pixels(disease.added[k], box) * (1 + 0.12 * noise_at(z, y, x, scale_mm=1.7, key=6)[0])
    if disease.paving[k].any():
        net = np.clip(1 - np.abs(noise_at(z, y, x, scale_mm=3.2, key=5)[0]) / 0.22, 0, 1)
        lung += _PAVING_HU * patient.at_pixels(disease.paving[k], box) * net
    return np.asarray(patient.at_pixels(disease.cover[k], box) > 0.5)


def _add_structures(lung: Float32Array, patient: Patient, k: int, box: Box) -> None:
    """Add emphysema, vessels, benign nodules, scars, and last airways, in place."""
    findings, (vessels, airways) = patient.findings, patient.anatomy.trees
    emphysema = _draw_tubes(patient, findings.emphysema.tubes(), k, box)
    if emphysema is not None:
        _darken(lung, emphysema)
    for tubes, hu in (
        (vessels, patient.chest.blood_hu),
        (findings.benign_nodules.tubes(), _SOFT_HU),
        (findings.scars, 0.0),
        (airways.widened(_AIRWAY_WALL_MM), _AIRWAY_WALL_HU),
    ):
        layer = _draw_tubes(patient, tubes, k, box)
        if layer is not None:
            _brighten(lung, layer, hu)
    lumen = _draw_tubes(patient, airways, k, box)
    if lumen is not None:
        _darken(lung, lumen)


def _draw_tubes(patient: Patient, tubes: Tubes, k: int, box: Box) -> UInt8Array | None:
    """Coverage of tubes in the box of slice k, uint8 0..255; None if the slice meets none."""
    cuts = tubes.section(float(patient.z_mm[k]), patient.scanner.thickness_mm)
    if not len(cuts.radius):
        return None
    canvas = patient.frame.blank()
    cuts.draw(canvas, patient.frame)
    return canvas[box]


def _share(layer: UInt8Array) -> Float32Array:
    return layer.astype(np.float32) * np.float32(1 / 255)


def _brighten(lung: Float32Array, layer: UInt8Array, hu: float) -> None:
    """Blend in a layer of density `hu`, in place; denser pixels are not darkened."""
    lung += _share(layer) * np.maximum(np.float32(hu) - lung, 0)


def _darken(lung: Float32Array, layer: UInt8Array) -> None:
    """Blend in a layer of air, in place."""
    lung += _share(layer) * (np.float32(_AIR_HU) - lung)
