"""The measures of a random patient's body, and the outlines of its chest wall.

Millimetres; x to the patient's left, y to the back, z to the head; the origin is the middle of the chest
at about the height of the lung roots.
"""

from dataclasses import dataclass

import numpy as np

from preprocessing.phantom.painting import Points, Waves

_ANGLES = np.linspace(0, 2 * np.pi, 144, endpoint=False)  # 0 = the patient's left, pi/2 = back


@dataclass(frozen=True)
class Chest:
    """Measures of one body (mm, HU, rad)."""

    width: float  # half width of the chest cavity
    depth: float  # half depth of the chest cavity
    apex: float  # z of the lung apex
    find_organ_domes: tuple[float, float]  # z of the right and left diaphragm's top
    muscle: float
    fat: float
    breast: float
    heart: float  # size factor
    blood_hu: float
    lung_hu: float
    vessels: float  # relative thickness of the lung vessels, 1 = average
    gravity_hu: float  # increase of lung density from front to back
    septum: float  # minimal half width of the tissue between the lungs
    rib_phase: float
    vertebra_phase: float
    waves: Waves  # amplitude and phase of the outline's harmonics 2, 3, 4
    gas: float  # gas share of the stomach
    effusion: tuple[float, float] = (0.0, 0.0)  # height (mm) of pleural fluid behind the right and left lung
    turn: float = 0.0
    shift: tuple[float, float] = (0.0, 0.0)

    @property
    def base(self) -> float:
        """z of the lungs' lowest point, in the posterior sulcus."""
        return min(self.find_organ_domes) - 78

    def _outline(self, half_width: float, half_depth: float, middle: float, power: float) -> Points:
        cos, sin = np.cos(_ANGLES), np.sin(_ANGLES)
        radius = (np.abs(cos / half_width) ** power + np.abs(sin / half_depth) ** power) ** (-1 / power)
        for k, (amplitude, phase) in enumerate(self.waves, start=2):
            radius = radius * (1 + amplitude * np.cos(k * _ANGLES + phase))
        return np.column_stack([radius * cos, radius * sin + middle])

    def taper(self, z: float) -> float:
        """Relative width of the cavity at height z: 1 below the shoulders, 0 at the apex."""
        shoulder = self.apex - 150
        up = np.clip((z - shoulder) / (self.apex - shoulder), 0, 1)
        return float(np.sqrt(max(1 - up**2.6, 0.0)))

    def cavity(self, z: float, expand_mm: float = 0.0) -> Points:
        """Inner outline of the chest wall, expanded by `expand_mm`: [144, (x, y)], from the left via the
        back.
        """
        taper = max(self.taper(z), 0.05)
        depth = self.depth * (0.4 + 0.6 * taper)
        middle = (1 - taper) * 0.25 * self.depth
        return self._outline(self.width * taper + expand_mm, depth + expand_mm, middle, 2.45)

    def muscles(self, z: float) -> Points:
        """Outer outline of the muscles, [144, (x, y)] mm."""
        shoulder = self.shoulder(z)
        width = self.width * (0.6 + 0.4 * self.taper(z)) + 9 + self.muscle + 45 * shoulder
        return self._outline(width, self.depth + 22 + 0.3 * self.muscle - 6 * shoulder, 11, 2.25)

    def skin(self, z: float) -> Points:
        """Outline of the skin, [144, (x, y)] mm."""
        shoulder = self.shoulder(z)
        width = self.width * (0.8 + 0.2 * self.taper(z)) + 12 + self.muscle + self.fat + 35 * shoulder
        outline = self._outline(width, self.depth + 24 + 0.3 * self.muscle + 0.75 * self.fat, 10, 2.3)
        height = np.exp(-(((z + 5) / 45) ** 2))
        front = [np.exp(-((((_ANGLES - a + np.pi) % (2 * np.pi) - np.pi) / 0.33) ** 2)) for a in (4.12, 5.3)]
        outline[:, 1] -= self.breast * height * (front[0] + front[1])
        return outline

    def shoulder(self, z: float) -> float:
        """Shoulder factor at height z: 0 at the chest, towards 1 at the shoulders."""
        return float(np.clip((z - self.apex + 70) / 80, 0, 1)) ** 1.5


def random_chest(rng: np.random.Generator) -> Chest:
    """A body with random measures."""
    size = rng.normal(1.0, 0.06)
    woman = rng.random() < 0.45
    contrast = rng.random() < 0.35
    shallow = rng.random() < 0.25  # shallow inspiration: dense lungs, high diaphragm
    right_dome = rng.normal(-52, 7) + (12 if shallow else 0)
    return Chest(
        width=float(np.clip(132 * size * rng.normal(1, 0.035), 112, 150)),
        depth=float(np.clip(88 * size * rng.normal(1, 0.05), 74, 104)),
        apex=float(118 * size + rng.normal(0, 4)),
        find_organ_domes=(float(right_dome), float(right_dome - rng.normal(12, 5))),
        muscle=float(rng.uniform(6, 14)),
        fat=float(np.clip(rng.gamma(3.0, 5.5), 5, 42)),
        breast=float(rng.uniform(10, 38)) if woman else float(rng.uniform(0, 6)),
        heart=float(np.clip(rng.normal(1.0, 0.09), 0.82, 1.25)),
        blood_hu=float(rng.uniform(110, 260)) if contrast else float(rng.normal(42, 5)),
        lung_hu=float(rng.uniform(-815, -735)) if shallow else float(rng.normal(-848, 18)),
        vessels=float(np.clip(rng.normal(1.05, 0.2), 0.75, 1.6)),
        gravity_hu=float(rng.uniform(20, 60)) * (1.5 if shallow else 1.0),
        septum=float(rng.uniform(3.2, 7)),
        rib_phase=float(rng.uniform(0, 1)),
        vertebra_phase=float(rng.uniform(0, 1)),
        waves=tuple((float(abs(rng.normal(0, 0.008))), float(rng.uniform(0, 6.3))) for _ in range(3)),
        gas=float(rng.uniform(0.0, 1.0)),
        turn=float(rng.normal(0, 0.035)),
        shift=(float(rng.normal(0, 6)), float(rng.normal(0, 8))),
    )
