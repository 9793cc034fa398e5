"""A patient's chest in three dimensions, and what one slice of it shows."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from preprocessing.phantom import organs, wall
from preprocessing.phantom.canvas import Frame, Shape, paint_lung
from preprocessing.phantom.chest import Chest
from preprocessing.phantom.tree import airways_beside, grow
from preprocessing.phantom.tubes import Tubes, along

_TARGETS = 420  # ends of the vessel tree in each lung
_MAP_MM = 4.0
_MAP_STEP_MM = 6.0


def great_vessels(chest: Chest) -> list[tuple[Tubes, float]]:
    """Aorta, pulmonary trunk, caval veins and the arteries to the head -> tubes and HU, back to front."""
    blood, d = chest.blood_hu, chest.depth
    lower, top = chest.base - 40, chest.apex + 60
    descending = along(
        [(10, 0.46 * d, lower), (20, 0.5 * d, -60), (24, 0.46 * d, 0), (20, 0.38 * d, 36), (10, 2, 52),
         (-6, -20, 40), (-9, -24, 20), (-4, -20, -18)],
        [11.5, 12, 12.5, 13, 14, 15.5, 16],
    )  # fmt: skip
    trunk = along([(12, -34, -16), (20, -24, 12), (30, 2, 20), (44, 14, 14)], [14, 12, 10])
    right_artery = along([(18, -22, 10), (-8, -4, 8), (-34, 0, 4)], [11, 10])
    cava = along([(-25, -14, -35), (-25, -16, 40), (-24, -20, 62), (-34, -12, top)], [9, 8.5, 7])
    innominate = along([(-24, -20, 56), (12, -30, 66), (34, -14, top)], [6.5, 6])
    heads = [
        along([(x0, y0, 48), (x1, y1, top)], [r])
        for x0, y0, x1, y1, r in ((-6, -14, -16, -4, 6.0), (4, -4, 14, 2, 4.5), (12, 6, 30, 8, 5.0))
    ]
    veins = [
        along([(sign * 8, 0, -18), (sign * 34, 12, -16)], [8]) for sign in (-1, 1)
    ]
    gullet = along([(8, 0.3 * d, lower), (4, 0.32 * d, 10), (2, 0.3 * d, top)], [6, 6])
    return [(gullet, 30.0), (descending, blood), *((v, blood) for v in veins), (right_artery, blood),
            (trunk, blood), (cava, blood * 1.05), (innominate, blood), *((h, blood) for h in heads)]  # fmt: skip


def windpipe(chest: Chest) -> Tubes:
    """The trachea and the two main bronchi (lumen)."""
    top, d = chest.apex + 60, chest.depth
    pipe = along([(-2, -4, top), (-2, 8, 60), (0, 14, 24)], [8.8, 8.8])
    right = along([(0, 14, 24), (-22, 12, 4), (-40, 12, -8), (-48, 18, -26)], [7, 6, 4.6])
    left = along([(0, 14, 24), (24, 16, 2), (42, 16, -8), (50, 24, -24)], [6.6, 5.6, 4.4])
    return Tubes(*(np.concatenate([getattr(t, f) for t in (pipe, right, left)]) for f in Tubes.__annotations__))


@dataclass(frozen=True)
class LungMap:
    """The lungs on a coarse mesh: side [z, y, x] uint8 (0 none, 1 right, 2 left); axes in mm."""

    side: NDArray[np.uint8]
    z: NDArray[np.float64]
    y: NDArray[np.float64]
    x: NDArray[np.float64]

    def points(self, side: int) -> NDArray[np.float64]:
        """All mesh points (x, y, z) in the right (1) or left (2) lung, mm."""
        k, j, i = np.nonzero(self.side == side)
        return np.column_stack([self.x[i], self.y[j], self.z[k]])


@dataclass(frozen=True)
class Anatomy:
    """One patient. Outlines are exact at every height; the trees are grown once."""

    chest: Chest
    seed: tuple[int, ...]

    @cached_property
    def vessels(self) -> list[tuple[Tubes, float]]:
        return great_vessels(self.chest)

    @cached_property
    def windpipe(self) -> Tubes:
        return windpipe(self.chest)

    @cached_property
    def trees(self) -> tuple[Tubes, Tubes]:
        """Lung vessels of both sides, and the airways beside them (lumen)."""
        pieces: list[tuple[Tubes, Tubes]] = []
        for side, root in ((1, (-40.0, 4.0, 2.0)), (2, (44.0, 12.0, 4.0))):
            rng = np.random.default_rng([*self.seed, side])
            points = self.lung_map.points(side)
            chosen = points[rng.choice(len(points), _TARGETS)] + rng.uniform(-2, 2, (_TARGETS, 3))
            vessels, feeding = grow(np.array(root), chosen, rng)
            pieces.append((vessels, airways_beside(vessels, feeding, least=4)))
        fields = Tubes.__annotations__
        both = [Tubes(*(np.concatenate([getattr(p[k], f) for p in pieces]) for f in fields)) for k in (0, 1)]
        return both[0], both[1]

    @cached_property
    def lung_map(self) -> LungMap:
        chest = self.chest
        z = np.arange(chest.base - 2, chest.apex + 2, _MAP_STEP_MM)
        columns, rows = int(2.3 * chest.width / _MAP_MM) | 1, int(2.4 * chest.depth / _MAP_MM) | 1
        frame = Frame.centred(rows, columns, _MAP_MM)
        x = (np.arange(columns) - (columns - 1) / 2) * _MAP_MM
        y = (np.arange(rows) - (rows - 1) / 2) * _MAP_MM
        cover = np.stack([paint_lung(self.inside(float(h)), frame) for h in z])
        middle = np.array([organs.midline(chest, float(h)) for h in z])[:, None, None]
        return LungMap(np.where(cover > 127, np.where(x < middle, 1, 2), 0).astype(np.uint8), z, y, x)

    def inside(self, z: float) -> list[Shape]:
        """Areas within the cavity, in painting order: lung first, then all that displaces it."""
        chest = self.chest
        shapes = []
        if z < chest.apex:
            shapes.append(Shape((chest.cavity(z),), chest.lung_hu, lung=True))
            shapes += organs.effusion(chest, z) + organs.abdomen(chest, z)
        if z > chest.base - 60:
            shapes.append(Shape((organs.septum(chest, z),), organs.FAT + 25))
        shapes.append(organs.paraspinal(chest, z))
        shapes += organs.heart(chest, z)
        for tubes, hu in self.vessels:
            shapes += [Shape((o,), hu) for o in tubes.cut(z, 0.0).outlines()]
        pipe = self.windpipe.cut(z, 0.0)
        for wider, hu in ((1.6, 25.0), (0.0, organs.AIR)):
            grown = type(pipe)(pipe.a, pipe.b, pipe.radius + wider, pipe.strength)
            shapes += [Shape((o,), hu) for o in grown.outlines()]
        return shapes

    def around(self, z: float) -> list[Shape]:
        """The chest wall, in painting order."""
        chest = self.chest
        bones = wall.ribs(chest, z) if z < chest.apex + 4 else []
        return [*bones, *wall.shoulder_blades(chest, z), *wall.breastbone(chest, z), *wall.spine(chest, z)]

    def slice(self, z: float) -> list[Shape]:
        """Everything at height z, in painting order."""
        soft, inside = wall.soft_wall(self.chest, z), self.inside(z)
        return [*(inside + soft if z < self.chest.apex else soft + inside), *self.around(z)]
