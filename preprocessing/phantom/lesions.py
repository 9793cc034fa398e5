"""What disease and age put into lungs: areas of another density, grains, lines; in 3-D, inside lungs."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from preprocessing.phantom.noise import noise_at
from preprocessing.phantom.painting import Float32Array
from preprocessing.phantom.tube_segments import Tubes


@dataclass(frozen=True)
class Mesh:
    """Where densities are worked out: axes (mm) and, at each place, the lung's side and depth.

    side [z, y, x]: 0 none, 1 right, 2 left. depth [z, y, x] float32: mm to the nearest edge of lung in the
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
        """The part of the mesh within `reach` (x, y, z) of `centre` (x, y, z)."""
        axes = ((self.z, 2), (self.y, 1), (self.x, 0))
        z, y, x = (slice(*np.searchsorted(a, (centre[k] - reach[k], centre[k] + reach[k]))) for a, k in axes)
        return z, y, x


@dataclass(frozen=True)
class Opacity:
    """An irregular ellipsoid of denser lung.

    centre, radii: (x, y, z) mm. hu: the density it turns lung into. ragged: how far noise moves its edge
    (share of the radius). blur: width of its edge (share of the radius). depth_mm: how deep under the pleura
    it reaches. fissure: normal (x, y, z) and offset of a plane it does not cross. paving: strength of the
    net of lines in it. patchy: how uneven its density is. side: the lung it lies in. infection: False for
    what is no disease.
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
        """The window of the mesh it touches, and there how much of each voxel it takes (0..1)."""
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
    """Small balls (nodules, buds, holes of emphysema): centre [n, (x, y, z)] mm, radius mm, strength 0..1."""

    centre: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 3)))
    radius: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    strength: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    def tubes(self) -> Tubes:
        """As tubes without length, which draw as discs."""
        stub = np.array([0.0, 0.0, 1.0]) * self.radius[:, None] * 0.6
        return Tubes(self.centre - stub, self.centre + stub, self.radius, self.strength)


NO_SPHERES = Spheres()
NO_TUBES = NO_SPHERES.tubes()


@dataclass(frozen=True)
class Findings:
    """All that one patient's lungs show; areas (unless marked) and `nodules` are infection."""

    opacities: tuple[Opacity, ...] = ()
    nodules: Spheres = NO_SPHERES
    benign_nodules: Spheres = NO_SPHERES
    emphysema: Spheres = NO_SPHERES
    scars: Tubes = NO_TUBES
    dependent_hu: float = 0.0  # extra density of the lung that lies lowest, falling off over dependent_mm
    dependent_mm: float = 10.0
    effusion: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class OpacityMap:
    """The findings' areas on a mesh, [z, y, x]: HU added to lung, strength of paving, infection 0..1."""

    added: Float32Array
    paving: Float32Array
    cover: Float32Array


def opacity_map(opacities: tuple[Opacity, ...], mesh: Mesh, lung_hu: float) -> OpacityMap:
    """Put all areas on a mesh; where they overlap the denser one shows."""
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
