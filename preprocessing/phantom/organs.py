"""Shapes of the organs inside the chest cavity: mediastinum, heart, abdomen, pleural fluid."""

import math

import numpy as np

from preprocessing.phantom.chest import Chest
from preprocessing.phantom.painting import Points, Shape, Waves, ellipse

FAT, SOFT, AIR = -95.0, 45.0, -990.0


def _outline_waves(chest: Chest, amount: float) -> Waves:
    """Harmonics by which this patient's organs deviate from ellipses."""
    turn = 6.3 * chest.rib_phase
    return (amount, turn), (0.8 * amount, 2.1 * turn + 1), (0.4 * amount, 3.3 * turn + 2)


def effusion(chest: Chest, z: float) -> list[Shape]:
    """Pleural fluid behind and below the lung, its meniscus rising towards the chest wall."""
    shapes = []
    for sign, height in zip((-1, 1), chest.effusion, strict=True):
        up = 1 - (z - chest.base) / (2.2 * height) if height > 0 else 0
        if up <= 0:
            continue
        x = np.linspace(0, 1, 24) * (chest.width + 10)
        surface = chest.depth - 1.3 * height * min(up, 1) * (0.55 + 0.6 * (x / chest.width) ** 2)
        lower = np.full_like(x, chest.depth + 15)
        shapes.append(
            Shape(
                (np.column_stack([sign * np.concatenate([x, x[::-1]]), np.concatenate([surface, lower])]),),
                12,
            )
        )
    return shapes


def abdomen(chest: Chest, z: float) -> list[Shape]:
    """Liver under the right hemidiaphragm; fat, spleen and stomach under the left."""
    shapes: list[Shape] = []
    liver = 62 + 0.2 * (chest.blood_hu - 42)
    for side, sign in ((1, 1), (0, -1)):
        below = chest.find_organ_domes[side] - z
        if below <= 0:
            continue
        centre = (sign * 0.46 * chest.width, -0.16 * chest.depth)
        radii = (0.62 * chest.width * (below / 52) ** 0.5, 1.25 * chest.depth * (below / 76) ** 0.56)
        if side == 0:
            shapes.append(Shape((ellipse(centre, radii, 0.1, _outline_waves(chest, 0.06)),), liver))
        else:
            shapes += _under_left_dome(chest, centre, radii)
    deep = chest.find_organ_domes[0] - 22 - z
    if deep > 0:
        middle = ellipse((0, -0.3 * chest.depth), (16 + 9 * deep**0.5, 10 + 7 * deep**0.5))
        shapes.append(Shape((middle,), liver))
    return shapes


def _under_left_dome(chest: Chest, centre: tuple[float, float], radii: tuple[float, float]) -> list[Shape]:
    a, b = radii
    shapes = [Shape((ellipse(centre, radii, -0.1),), 35)]
    if a < 14:
        return shapes
    shapes.append(Shape((ellipse(centre, (a - 4, b - 4), -0.1),), FAT))
    x, y = centre
    shapes.append(Shape((ellipse((x + 0.3 * a, y + 0.5 * b), (0.5 * a, 0.38 * b), 0.5),), 48))
    stomach = (x - 0.05 * a, y - 0.22 * b), (0.62 * a, 0.52 * b)
    shapes.append(Shape((ellipse(*stomach, -0.2),), 40))
    inner = ellipse(stomach[0], (max(stomach[1][0] - 4, 2), max(stomach[1][1] - 4, 2)), -0.2)
    shapes.append(Shape((inner,), 15))
    level = inner[:, 1].min() + chest.gas * np.ptp(inner[:, 1])  # gas is anterior, fluid posterior
    if chest.gas > 0.15:
        gas = inner.copy()
        gas[:, 1] = np.minimum(gas[:, 1], level)
        shapes.append(Shape((gas,), AIR))
    return shapes


def midline(chest: Chest, z: float) -> float:
    """x of the border between right and left lung at height z, mm."""
    return 5 * math.sin(0.02 * z + 6 * chest.rib_phase)


def septum(chest: Chest, z: float) -> Points:
    """Mediastinal fat from sternum to spine: narrow in front, wide around the great vessels."""
    y = np.linspace(-chest.depth - 12, chest.depth + 12, 48)
    upper = 1 / (1 + np.exp(-(z + 5) / 14))
    wide = 13 + 15 * upper
    left = chest.septum + wide * np.exp(-(((y + 4) / 30) ** 2))
    right = chest.septum + (wide - 2) * np.exp(-(((y + 6) / 27) ** 2))
    front = 16 * np.exp(-(((y + 0.98 * chest.depth) / 9) ** 2))
    top = 16 * np.clip((z - chest.apex + 70) / 70, 0, 1) * np.exp(-(((y - 5) / 45) ** 2))
    lean = midline(chest, z)
    return np.column_stack(
        [
            np.concatenate([lean + left + front + top, (lean - right - front - top)[::-1]]),
            np.concatenate([y, y[::-1]]),
        ]
    )


def heart(chest: Chest, z: float) -> list[Shape]:
    """The heart on the diaphragm, its apex caudal and left, in a thin layer of fat."""
    centre_z, radius_z = chest.find_organ_domes[0] + 22, 58 * chest.heart
    rise = (z - centre_z) / radius_z
    if abs(rise) >= 1:
        return []
    part = np.sqrt(1 - abs(rise) ** 2.4)
    x, y = 20 - 14 * rise, -0.36 * chest.depth + 5 * rise
    a, b = 60 * chest.heart * part, 44 * chest.heart * part
    blood, dents = chest.blood_hu, _outline_waves(chest, 0.05)
    shapes = [
        Shape((ellipse((x, y), (a + 4, b + 4), -0.6, dents),), FAT + 10),
        Shape((ellipse((x, y), (a, b), -0.6, dents),), SOFT + 0.35 * (blood - 42)),
    ]
    if blood > 80:  # chambers are visible with contrast agent
        shapes.append(Shape((ellipse((x + 0.2 * a, y + 0.12 * b), (0.5 * a, 0.5 * b), -0.6),), blood))
        shapes.append(Shape((ellipse((x - 0.42 * a, y + 0.05 * b), (0.38 * a, 0.6 * b), -0.3),), blood * 0.9))
    return shapes


def paraspinal(chest: Chest, z: float) -> Shape:
    """Soft tissue in front of and beside the spine, between the lungs."""
    y = np.linspace(0.42 * chest.depth, chest.depth + 20, 20)
    back = (y - y[0]) / (y[-1] - y[0])
    half = 9 + 17 * np.sqrt(np.clip(2.5 * back, 0, 1)) + 16 * back**3
    return Shape((np.column_stack([np.concatenate([half, -half[::-1]]), np.concatenate([y, y[::-1]])]),), 30)
