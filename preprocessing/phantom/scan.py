"""One scan of one patient on one scanner: Hounsfield units and the truth."""

from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from preprocessing.phantom.anatomy import Anatomy
from preprocessing.phantom.canvas import PAINT_TO_HU, Frame, paint
from preprocessing.phantom.chest import Chest, draw_chest
from preprocessing.phantom.disease import find
from preprocessing.phantom.lesions import Density, Findings, Mesh, density
from preprocessing.phantom.lungs import Lungs, depth_in_slices
from preprocessing.phantom.noise import noise_at
from preprocessing.phantom.organs import midline
from preprocessing.phantom.scanner import Scanner, draw_table, noise, sharpen_and_blur
from preprocessing.phantom.tubes import Tubes

_MESH_MM = 3.0
_AIR_HU = -985.0

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Scan:
    """hu int32-rounded float32 [slice, row, column] before storage; truth of the same shape, feet to head."""

    hu: Floats
    lungs: Bytes  # 0 none, 1 right, 2 left
    infection: NDArray[np.bool_]
    z_mm: NDArray[np.float64]


@dataclass(frozen=True)
class _Patient:
    """A body, its findings and the mesh that they are worked out on."""

    anatomy: Anatomy
    findings: Findings
    scanner: Scanner
    frame: Frame
    z_mm: NDArray[np.float64]

    @property
    def chest(self) -> Chest:
        return self.anatomy.chest

    @cached_property
    def mesh_axes(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """y and x of the lesion mesh, mm."""
        rows, columns = int(1.1 * self.chest.depth / _MESH_MM), int(1.1 * self.chest.width / _MESH_MM)
        return np.arange(-rows, rows + 1) * _MESH_MM, np.arange(-columns, columns + 1) * _MESH_MM

    @cached_property
    def from_mesh(self) -> NDArray[np.float64]:
        """[2, 3]: mesh (column, row) -> scanner (column, row)."""
        y, x = self.mesh_axes
        place = np.array([[_MESH_MM, 0, x[0]], [0, _MESH_MM, y[0]], [0, 0, 1]])
        return self.frame.matrix @ place


def simulate(label: str, scanner: Scanner, seed: tuple[int, ...]) -> Scan:
    """Draw a patient of a class from `seed` and scan it. The same seed gives the same scan, bit for bit."""
    body, disease, slices = (np.random.default_rng([*seed, k]) for k in range(3))
    chest = draw_chest(body)
    plain = Anatomy(chest, seed)
    findings = find(label, Lungs.of(plain.lung_map, chest.lung_hu), disease)
    if any(findings.effusion):
        plain = Anatomy(replace(chest, effusion=findings.effusion), seed)
    start = chest.base - slices.uniform(4, 4 + scanner.spacing_mm)
    z_mm = np.arange(start, chest.apex + 6, scanner.spacing_mm)
    centre = tuple(np.asarray(chest.shift) + slices.normal(0, scanner.off_centre_mm / 2, 2) + (0, 12))
    frame = Frame.centred(scanner.matrix, scanner.matrix, scanner.pixel_mm, centre, chest.turn)
    return _expose(_Patient(plain, findings, scanner, frame, z_mm), slices)


def _expose(patient: _Patient, rng: np.random.Generator) -> Scan:
    painted = [_paint(patient, z) for z in patient.z_mm]
    tissue, cover = (np.stack(part) for part in zip(*painted, strict=True))
    sides = _sides(patient, cover)
    mesh = _mesh(patient, sides)
    disease = density(patient.findings.areas, mesh, patient.chest.lung_hu)
    hu = np.empty(tissue.shape, np.float32)
    infection = np.zeros(tissue.shape, bool)
    for k in range(len(hu)):
        hu[k], infection[k] = _slice(patient, k, tissue[k], cover[k], disease, rng)
    infection &= sides > 0
    return Scan(hu, sides, infection, patient.z_mm + patient.chest.apex)


def _paint(patient: _Patient, z: float) -> tuple[Bytes, Bytes]:
    """Tissue levels and lung coverage of a slice, averaged over its thickness."""
    thickness = patient.scanner.thickness_mm
    parts = 1 if thickness < 2.5 else 2
    back = float(patient.chest.skin(0)[:, 1].max())
    heights = z + thickness * ((np.arange(parts) + 0.5) / parts - 0.5)
    layers = []
    for height in heights:
        tissue, cover = paint(patient.anatomy.slice(float(height)), patient.frame)
        draw_table(tissue, patient.frame, patient.scanner, back)
        layers.append((tissue, cover))
    if parts == 1:
        return layers[0]
    (a, b), (c, d) = layers
    return cv2.addWeighted(a, 0.5, c, 0.5, 0), cv2.addWeighted(b, 0.5, d, 0.5, 0)


def _sides(patient: _Patient, cover: Bytes) -> Bytes:
    """Lung coverage [slice, row, column] -> 0 none, 1 right, 2 left."""
    frame = patient.frame
    sides = np.zeros(cover.shape, np.uint8)
    rows = np.arange(frame.rows)
    inverse = np.linalg.inv(frame.matrix[:, :2])
    for k, z in enumerate(patient.z_mm):
        middle = midline(patient.chest, float(z))
        border = (middle - inverse[0, 1] * (rows - frame.matrix[1, 2])) / inverse[0, 0] + frame.matrix[0, 2]
        left = np.arange(frame.columns) > border[:, None]
        sides[k] = (cover[k] > 127) * (1 + left)
    return sides


def _mesh(patient: _Patient, sides: Bytes) -> Mesh:
    y, x = patient.mesh_axes
    size = (len(x), len(y))
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    coarse = np.stack([cv2.warpAffine(s, patient.from_mesh, size, flags=flags) for s in sides])
    grown = np.stack([cv2.dilate(s, np.ones((3, 3), np.uint8)) for s in coarse])
    return Mesh(patient.z_mm, y, x, grown, depth_in_slices(coarse > 0, _MESH_MM))


def _slice(
    patient: _Patient, k: int, tissue: Bytes, cover: Bytes, disease: Density, rng: np.random.Generator
) -> tuple[Floats, NDArray[np.bool_]]:
    """HU of one slice, and where its lung is infected."""
    scanner = patient.scanner
    hu = cv2.LUT(tissue, PAINT_TO_HU)
    infected = np.zeros(tissue.shape, bool)
    rows, columns = np.flatnonzero(cover.any(1)), np.flatnonzero(cover.any(0))
    if len(rows):
        box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        lung, infected[box] = _lung(patient, k, box, disease)
        share = cover[box].astype(np.float32) * np.float32(1 / 255)
        hu[box] += share * (lung - np.float32(patient.chest.lung_hu))
    hu = sharpen_and_blur(hu, scanner)
    strength = scanner.noise_hu * np.sqrt(6.0 / max(scanner.thickness_mm, 1.0))
    hu += noise(scanner, rng) * np.float32(min(strength, 2.5 * scanner.noise_hu))
    hu += np.float32(scanner.drift_hu)
    return np.maximum(hu, -1024, out=hu), infected


def _lung(
    patient: _Patient, k: int, box: tuple[slice, slice], disease: Density
) -> tuple[Floats, NDArray[np.bool_]]:
    """Lung tissue within a box of slice k: parenchyma, dependent density, disease, vessels, airways, grains."""
    chest, findings, frame, z = patient.chest, patient.findings, patient.frame, patient.z_mm[k]
    y = (np.arange(box[0].start, box[0].stop) - frame.matrix[1, 2]) * frame.pixel_mm
    x = (np.arange(box[1].start, box[1].stop) - frame.matrix[0, 2]) * frame.pixel_mm
    at = np.array([z])
    fine = noise_at(at, y, x, scale_mm=1.7, key=1)[0]
    lung = chest.lung_hu + 22 * fine + 14 * noise_at(at, y, x, scale_mm=9, key=2)[0]
    low = (y / chest.depth).astype(np.float32)
    ramp = 0.5 * chest.gravity_hu * low + findings.dependent_hu * np.exp((low - 0.92) * chest.depth / findings.dependent_mm)
    lung += ramp[:, None]
    added, paving, covered = (_upsample(patient, f[k], box) for f in (disease.added, disease.paving, disease.cover))
    lung += added * (1 + 0.12 * fine)
    if paving.any():
        net = np.abs(noise_at(at, y, x, scale_mm=3.2, key=5)[0])
        lung += paving * np.float32(260) * np.clip(1 - net / 0.22, 0, 1)
    infected = covered > 0.5
    grains = _drawn(patient, findings.nodules.tubes(), z, box)
    if grains is not None:
        _blend(lung, grains, 20.0)
        infected |= grains > 90
    for tubes, target in (
        (findings.holes.tubes(), _AIR_HU),
        (patient.anatomy.trees[0], chest.blood_hu),
        (findings.benign_nodules.tubes(), 30.0),
        (findings.scars, 0.0),
        (patient.anatomy.trees[1], _AIR_HU),
    ):
        layer = None if tubes is None else _drawn(patient, tubes, z, box)
        if layer is not None:
            _blend(lung, layer, target)
    return np.minimum(lung, max(chest.blood_hu, 90), out=lung), infected


def _drawn(patient: _Patient, tubes: Tubes, z: float, box: tuple[slice, slice]) -> Bytes | None:
    cuts = tubes.cut(z, patient.scanner.thickness_mm)
    if not len(cuts.radius):
        return None
    canvas = patient.frame.blank()
    cuts.draw(canvas, patient.frame)
    return canvas[box]


def _blend(lung: Floats, layer: Bytes, target: float) -> None:
    """Move lung towards a target HU by the layer's strength; bright things never darken what is brighter."""
    share = layer.astype(np.float32) * np.float32(1 / 255)
    way = np.float32(target) - lung
    if target > -500:
        np.maximum(way, 0, out=way)
    lung += share * way


def _upsample(patient: _Patient, plane: Floats, box: tuple[slice, slice]) -> Floats:
    """A plane of the mesh at the scanner's pixels in the box."""
    matrix = patient.from_mesh.copy()
    matrix[:, 2] -= (box[1].start, box[0].start)
    size = (box[1].stop - box[1].start, box[0].stop - box[0].start)
    return cv2.warpAffine(plane, matrix, size, flags=cv2.INTER_LINEAR)
