"""Lesions of the lungs in 3-D: opacities, spheres (nodules, emphysema), and their density on a mesh."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from preprocessing.phantom.noise import noise_at
from preprocessing.phantom.painting import Float32Array
from preprocessing.phantom.tube_segments import Tubes


@dataclass(frozen=True)
class Mesh:
    """The mesh on which densities are computed: axes z, y, x in mm, and lung label and depth at each point.

    side uint8 [z, y, x]: 0 none, 1 right, 2 left. depth float32 [z, y, x]: mm to the lung's edge in the
    slice.
    """

    z: NDArray[np.float64]
    y: NDArray[np.float64]
    x: NDArray[np.float64]
    side: NDArray[np.uint8]
    depth: Float32Array

    def box_around(
        self, centre: NDArray[np.float64], reach: NDArray[np.float64]
    ) -> tuple[slice, slice, slice]:
        """Index slices (z, y, x) of the mesh within `reach` (x, y, z) mm of `centre` (x, y, z) mm."""
        axes = ((self.z, 2), (self.y, 1), (self.x, 0))
        z, y, x = (slice(*np.searchsorted(a, (centre[k] - reach[k], centre[k] + reach[k]))) for a, k in axes)
        return z, y, x


@dataclass(frozen=True)
class Opacity:
    """An opacity: an irregular ellipsoid of denser lung.

    centre, radii: (x, y, z) mm. hu: density of lung inside it. ragged: amplitude of its edge's noise,
    relative to the radius. blur: width of its edge, relative to the radius. depth_mm: depth below the
    pleura that it reaches. fissure: normal (x, y, z) and offset (mm) of a plane that bounds it. paving:
    strength of crazy paving. patchy: relative variation of its density. side: the lung it lies in.
    infection: False for a confounder.
    """

    centre: tuple[float, float, float]
    radii: tuple[float, float, float]
    hu: float
    side: int
    ragged: float = 0.35
    blur: float = 0.18
    depth_mm: float = 999.0
    fissure: tuple[float, float, float, float] | None = None
    paving: float = 0.0
    patchy: float = 0.25
    infection: bool = True
    key: int = 0

    def cover(self, mesh: Mesh) -> tuple[tuple[slice, slice, slice], Float32Array]:
        """Index slices of the mesh that it touches, and its coverage there, float32 0..1."""
        centre, radii = np.asarray(self.centre), np.asarray(self.radii)
        box = mesh.box_around(centre, radii * (1 + 1.6 * self.ragged))
        z, y, x = mesh.z[box[0]], mesh.y[box[1]], mesh.x[box[2]]
        if not (len(z) and len(y) and len(x)):
            return box, np.zeros((len(z), len(y), len(x)), np.float32)
        square = (
            (((z - centre[2]) / radii[2]) ** 2)[:, None, None]
            + (((y - centre[1]) / radii[1]) ** 2)[:, None]
            + ((x - centre[0]) / radii[0]) ** 2
        ).astype(np.float32)
        inside = 1 - np.sqrt(square)
        inside += self.ragged * (noise_at(z, y, x, scale_mm=11, key=self.key)
                                 + 0.5 * noise_at(z, y, x, scale_mm=4.5, key=self.key + 1)) * 0.7  # fmt: skip
        if self.depth_mm < 500:
            shallow = (self.depth_mm * (1 + 0.3 * noise_at(z, y, x, scale_mm=14, key=self.key + 2))
                       - mesh.depth[box]) / self.depth_mm  # fmt: skip
            inside = np.minimum(inside, shallow)
        if self.fissure is not None:
            a, b, c, d = self.fissure
            plane = (a * x + b * y[:, None] + c * z[:, None, None] - d).astype(np.float32)
            plane += 4 * noise_at(z, y, x, scale_mm=24, key=self.key + 4)
            inside = np.minimum(inside, plane / float(radii.mean()))
        cover = np.clip(inside / self.blur + 0.5, 0, 1)
        return box, cover * (mesh.side[box] == self.side)


@dataclass(frozen=True)
class Spheres:
    """Small spheres (nodules, emphysema): centre [n, (x, y, z)] mm, radius [n] mm, strength [n] 0..1."""

    centre: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 3)))
    radius: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    strength: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    def tubes(self) -> Tubes:
        """As very short tubes, which are drawn as discs."""
        stub = np.array([0.0, 0.0, 1.0]) * self.radius[:, None] * 0.6
        return Tubes(self.centre - stub, self.centre + stub, self.radius, self.strength)


NO_SPHERES = Spheres()
NO_TUBES = NO_SPHERES.tubes()


@dataclass(frozen=True)
class Findings:
    """All lesions of one patient's lungs; `nodules`, and opacities with `infection`, are infection."""

    opacities: tuple[Opacity, ...] = ()
    nodules: Spheres = NO_SPHERES
    benign_nodules: Spheres = NO_SPHERES
    emphysema: Spheres = NO_SPHERES
    scars: Tubes = NO_TUBES
    dependent_hu: float = 0.0  # added density of dependent lung, decreasing over dependent_mm
    dependent_mm: float = 10.0
    effusion: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class OpacityMap:
    """Opacities on a mesh, float32 [z, y, x]: added HU, strength of paving, infection 0..1."""

    added: Float32Array
    paving: Float32Array
    cover: Float32Array


def opacity_map(opacities: tuple[Opacity, ...], mesh: Mesh, lung_hu: float) -> OpacityMap:
    """All opacities on a mesh; where they overlap, the maximum counts."""
    result = OpacityMap(*(np.zeros(mesh.side.shape, np.float32) for _ in range(3)))
    for opacity in opacities:
        box, cover = opacity.cover(mesh)
        if not cover.size:
            continue
        z, y, x = mesh.z[box[0]], mesh.y[box[1]], mesh.x[box[2]]
        patchy = opacity.patchy * min(1.0, 250 / (opacity.hu - lung_hu))
        uneven = 1 + patchy * noise_at(z, y, x, scale_mm=7, key=opacity.key + 3)
        added = cover * np.clip((opacity.hu - lung_hu) * uneven, 60, 60 - lung_hu)
        np.maximum(result.added[box], added, out=result.added[box])
        np.maximum(result.paving[box], cover * opacity.paving, out=result.paving[box])
        if opacity.infection:
            np.maximum(result.cover[box], cover, out=result.cover[box])
    return result
