"""The 3-D anatomy of a phantom patient, and the shapes of one axial slice of it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from preprocessing.phantom import chest_wall, organs
from preprocessing.phantom.chest import Chest
from preprocessing.phantom.great_vessels import Mediastinum
from preprocessing.phantom.painting import Frame, Shape, UInt8Array, paint_lung
from preprocessing.phantom.tube_segments import Tubes, concatenate_tubes
from preprocessing.phantom.vessel_tree import airways_beside, grow_tree

_TARGETS = 600  # terminal points of the vessel tree in each lung
_MAP_MM = 4.0
_MAP_STEP_MM = 6.0


@dataclass(frozen=True)
class LungMap:
    """The lungs on a coarse mesh: side uint8 [z, y, x] (0 none, 1 right, 2 left); axes in mm."""

    side: UInt8Array
    z: NDArray[np.float64]
    y: NDArray[np.float64]
    x: NDArray[np.float64]

    def points(self, side: int) -> NDArray[np.float64]:
        """All mesh points (x, y, z) in the right (1) or left (2) lung, mm."""
        k, j, i = np.nonzero(self.side == side)
        return np.column_stack([self.x[i], self.y[j], self.z[k]])


@dataclass(frozen=True)
class Anatomy:
    """The anatomy of one patient: analytic outlines at every height; vessel and airway trees are cached."""

    chest: Chest
    seed: tuple[int, ...]

    @cached_property
    def mediastinum(self) -> Mediastinum:
        """The great vessels, oesophagus and trachea."""
        return Mediastinum.from_chest(self.chest)

    @cached_property
    def trees(self) -> tuple[Tubes, Tubes]:
        """(lung vessels, airway lumina) of both sides."""
        vessels, airways = [], []
        for side, root in ((1, (-40.0, 4.0, 2.0)), (2, (44.0, 12.0, 4.0))):
            rng = np.random.default_rng([*self.seed, side])
            points = self.lung_map.points(side)
            targets = points[rng.choice(len(points), _TARGETS)] + rng.uniform(-2, 2, (_TARGETS, 3))
            grown, feeding = grow_tree(np.array(root), targets, self.chest.vessels, rng)
            vessels.append(grown)
            airways.append(airways_beside(grown, feeding, least=4))
        return concatenate_tubes(vessels), concatenate_tubes(airways)

    @cached_property
    def lung_map(self) -> LungMap:
        """Lung labels on a coarse mesh, in which lesions and vessels are placed."""
        chest = self.chest
        z = np.arange(chest.base - 2, chest.apex + 2, _MAP_STEP_MM)
        columns, rows = int(2.3 * chest.width / _MAP_MM) | 1, int(2.4 * chest.depth / _MAP_MM) | 1
        frame = Frame.centred(rows, columns, _MAP_MM)
        x = _MAP_MM * (np.arange(float(columns)) - (columns - 1) / 2)
        y = _MAP_MM * (np.arange(float(rows)) - (rows - 1) / 2)
        cover = np.stack([paint_lung(self.inside(float(h)), frame) for h in z])
        middle = np.array([organs.midline(chest, float(h)) for h in z])[:, None, None]
        return LungMap(np.where(cover > 127, np.where(x < middle, 1, 2), 0).astype(np.uint8), z, y, x)

    def inside(self, z: float) -> list[Shape]:
        """Shapes inside the chest cavity at height `z` mm, in painting order: lung first, then what
        displaces it.
        """
        chest = self.chest
        shapes = []
        if z < chest.apex:
            shapes.append(Shape((chest.cavity(z),), chest.lung_hu, lung=True))
            shapes += organs.effusion(chest, z)
        shapes += [Shape((organs.septum(chest, z),), organs.FAT + 25), *organs.abdomen(chest, z)]
        shapes += [organs.paraspinal(chest, z), *organs.heart(chest, z), *self.mediastinum.shapes(z)]
        return shapes

    def slice(self, z: float) -> list[Shape]:
        """All shapes at height `z` mm, in painting order."""
        soft, inside, chest = chest_wall.soft_wall(self.chest, z), self.inside(z), self.chest
        return [
            *(inside + soft if z < chest.apex else soft + inside),
            *chest_wall.ribs(chest, z),
            *chest_wall.scapulae_and_clavicles(chest, z),
            *chest_wall.sternum(chest, z),
            *chest_wall.spine(chest, z),
        ]
