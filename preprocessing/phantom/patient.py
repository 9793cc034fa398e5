"""A patient in a scanner: anatomy, findings, and the geometry of slices and pixels."""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from preprocessing.phantom.anatomy import Anatomy
from preprocessing.phantom.chest import Chest
from preprocessing.phantom.lesion_sites import depth_in_slices
from preprocessing.phantom.lesions import Findings, Mesh, OpacityMap, opacity_map
from preprocessing.phantom.organs import midline
from preprocessing.phantom.painting import Float32Array, Frame, UInt8Array
from preprocessing.phantom.scanner import Scanner

MESH_MM = 3.0
Box = tuple[slice, slice]  # rows and columns of a slice

_NEIGHBOURS = np.ones((3, 3), np.uint8)


@dataclass(frozen=True)
class Patient:
    """One patient in one scanner. z_mm [slice]: slice positions in patient coordinates, feet to head."""

    anatomy: Anatomy
    findings: Findings
    scanner: Scanner
    frame: Frame
    z_mm: NDArray[np.float64]

    @property
    def chest(self) -> Chest:
        return self.anatomy.chest

    @cached_property
    def back_mm(self) -> float:
        """y of the back, mm; it lies on the table."""
        return float(self.chest.skin(0)[:, 1].max())

    @cached_property
    def mesh_axes(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Axes y and x of the mesh of opacities, mm."""
        rows, columns = int(1.1 * self.chest.depth / MESH_MM), int(1.1 * self.chest.width / MESH_MM)
        return MESH_MM * np.arange(-rows, rows + 1.0), MESH_MM * np.arange(-columns, columns + 1.0)

    @cached_property
    def from_mesh(self) -> NDArray[np.float64]:
        """Affine matrix [2, 3] from mesh (column, row) to scanner (column, row)."""
        y, x = self.mesh_axes
        random_point = np.array([[MESH_MM, 0, x[0]], [0, MESH_MM, y[0]], [0, 0, 1]])
        return np.asarray(self.frame.matrix @ random_point)

    def sides(self, cover: UInt8Array) -> UInt8Array:
        """Lung labels (0 none, 1 right, 2 left) of lung coverage 0..255; both uint8 [slice, row, column]."""
        frame = self.frame
        rows, columns = np.arange(frame.rows), np.arange(frame.columns)
        back = np.linalg.inv(frame.matrix[:, :2])
        tilt = back[0, 1] * (rows - frame.matrix[1, 2])
        sides = np.empty(cover.shape, np.uint8)
        for k, z in enumerate(self.z_mm):
            border = (midline(self.chest, float(z)) - tilt) / back[0, 0] + frame.matrix[0, 2]
            left = columns > border[:, None]
            np.multiply(cover[k] > 127, left + np.uint8(1), out=sides[k], casting="unsafe")
        return sides

    def opacity_map(self, sides: UInt8Array) -> OpacityMap:
        """The findings' opacities on the mesh of all slices; lungs are dilated by one mesh point."""
        y, x = self.mesh_axes
        flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
        coarse = np.stack([cv2.warpAffine(s, self.from_mesh, (len(x), len(y)), flags=flags) for s in sides])
        grown = np.stack([cv2.dilate(s, _NEIGHBOURS) for s in coarse]).astype(np.uint8, copy=False)
        mesh = Mesh(self.z_mm, y, x, grown, depth_in_slices(coarse > 0, MESH_MM))
        return opacity_map(self.findings.opacities, mesh, self.chest.lung_hu)

    def at_pixels(self, plane: Float32Array, box: Box) -> Float32Array:
        """One slice of the mesh interpolated at the scanner's pixels in the box, float32 [row, column]."""
        matrix = self.from_mesh.copy()
        matrix[:, 2] -= (box[1].start, box[0].start)
        size = (box[1].stop - box[1].start, box[0].stop - box[0].start)
        return np.asarray(cv2.warpAffine(plane, matrix, size, flags=cv2.INTER_LINEAR), np.float32)
