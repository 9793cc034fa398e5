"""Shapes of the chest wall: skin, fat, muscles, ribs, spine, sternum, scapulae."""

import numpy as np

from preprocessing.phantom.chest import Chest
from preprocessing.phantom.painting import Points, Shape, ellipse

FAT, MUSCLE, SKIN, CORTEX, MARROW = -100.0, 52.0, 10.0, 560.0, 210.0
AIR = -1000.0
_RIBS = 12
_EVERYWHERE = 900.0 * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
_VERTEBRA = 23.0  # mm between intervertebral discs
_PHI = np.linspace(0.13 * np.pi, 0.93 * np.pi, 80)  # angle along a rib, from spine to sternum


def soft_wall(chest: Chest, z: float) -> list[Shape]:
    """Skin, fat and muscle around the cavity, or of the neck above the lungs."""
    skin, muscles = chest.skin(z), chest.muscles(z)
    middle = skin.mean(0)
    under = middle + (skin - middle) * (1 - 1.8 / np.linalg.norm(skin - middle, axis=1, keepdims=True))
    inner = (chest.cavity(z),) if z < chest.apex else ()
    fatless = np.where(np.linalg.norm(muscles, axis=1) > np.linalg.norm(under, axis=1), under.T, muscles.T).T
    shapes = [
        Shape((_EVERYWHERE, skin), AIR),
        Shape((skin, *inner), SKIN),
        Shape((under, *inner), FAT),
        Shape((fatless, *inner), MUSCLE),
    ]
    return shapes + (_muscle_gaps(chest, z) if z < chest.apex else [])


def _muscle_gaps(chest: Chest, z: float) -> list[Shape]:
    """Fat between the lateral muscle layers, and beside the sternum."""
    shapes = []
    rim, outer = chest.cavity(z, 10.5), chest.muscles(z)
    for low, high in ((4, 26), (46, 68), (78, 94), (122, 138)):
        a, b = rim[low:high], outer[low:high]
        swing = np.sin(np.linspace(0, np.pi, high - low))[:, None]
        way = b - a
        first, second = a + way * (0.3 - 0.1 * swing), a + way * (0.3 + 0.14 * swing)
        shapes.append(Shape((np.concatenate([first, second[::-1]]),), FAT + 10))
    return shapes


def ribs(chest: Chest, z: float) -> list[Shape]:
    """Sections of the ribs; each rib is an arc that descends from spine to sternum."""
    if z > chest.apex + 4:
        return []
    number = np.arange(_RIBS)
    behind = chest.apex + 2 - 21.5 * (number + 0.4 * chest.rib_phase)
    fall = np.minimum(26 + 7.0 * number, 84)
    height = behind[:, None] - fall[:, None] * np.sin(_PHI / 2)[None, :] ** 2
    off = np.abs(z - height) / 6.2
    edges = np.diff(off < 1, axis=1, prepend=False, append=False)
    cut = [(rib, np.flatnonzero(edges[rib])) for rib in np.flatnonzero(edges.any(axis=1))]
    shapes = []
    inner, outer = chest.cavity(z, 1.5), chest.cavity(z, 9.0)
    for sign in (1, -1):
        place = (np.pi / 2 - sign * _PHI) / (2 * np.pi) * len(inner)
        rim, far = _interpolate_outline(inner, place), _interpolate_outline(outer, place)
        for rib, ends in cut:
            for first, last in zip(ends[::2], ends[1::2], strict=True):
                shapes += _rib_section(
                    rim[first:last], far[first:last], off[rib, first:last], _PHI[first:last]
                )
    return shapes


def _interpolate_outline(points: Points, place: np.ndarray) -> Points:
    """Points of a closed outline at fractional indices `place`, linearly interpolated."""
    low = np.floor(place).astype(int)
    part = (place - low)[:, None]
    return points[low % len(points)] * (1 - part) + points[(low + 1) % len(points)] * part


def _rib_section(rim: Points, far: Points, off: np.ndarray, phi: np.ndarray) -> list[Shape]:
    if len(rim) < 2:
        return []
    half = 0.5 * np.sqrt(1 - off**2)[:, None]
    middle, way = (rim + far) / 2, far - rim
    outline = np.concatenate([middle - half * way, (middle + half * way)[::-1]])
    if phi.mean() > 0.8 * np.pi:
        return [Shape((outline,), 105)]  # cartilage
    inside = np.concatenate([middle - 0.55 * half * way, (middle + 0.55 * half * way)[::-1]])
    return [Shape((outline,), CORTEX), Shape((inside,), MARROW)]


def spine(chest: Chest, z: float) -> list[Shape]:
    """Vertebral body or disc, spinal canal, arch and processes."""
    d = chest.depth
    phase = ((z / _VERTEBRA + chest.vertebra_phase) % 1.0) * 2 - 1  # 0 = middle of a vertebra, +-1 = disc
    disc = abs(phase) > 0.8
    waist = 1 - 0.1 * (1 - phase**2)
    size = 1.0 - 0.0011 * (z + 20)
    a, b, y = 18.5 * size * waist, 15 * size * waist, 0.72 * d
    body = ellipse((0, y), (a, b))
    shapes = [Shape((body,), 95 if disc else CORTEX)]
    if not disc:
        shapes.append(Shape((ellipse((0, y), (a - 2, b - 2)),), 190))
    back = y + b + 7
    lateral = 0.5 * (1 + np.cos(np.pi * np.clip(2 * (phase - 0.1), -1, 1)))
    if lateral > 0.25:
        for sign in (1, -1):
            shapes.append(Shape((ellipse((sign * 24, back + 3), (17 * lateral, 4.5), sign * 0.35),), CORTEX))
            shapes.append(Shape((ellipse((sign * 24, back + 3), (14 * lateral, 2.2), sign * 0.35),), MARROW))
    shapes.append(Shape((ellipse((0, back), (13, 11)),), CORTEX - 80))
    end = back + 30 + 5 * phase
    tip = np.array([[-3, back + 8], [3, back + 8], [1.6, end], [-1.6, end]])
    shapes.append(Shape((tip,), CORTEX - 150))
    shapes.append(Shape((ellipse((0, back - 0.5), (9, 7.5)),), 25))
    return shapes


def sternum(chest: Chest, z: float) -> list[Shape]:
    """Sternum: manubrium above, body below."""
    low, high = chest.find_organ_domes[0] - 5, chest.apex - 42
    if not low < z < high:
        return []
    front = chest.cavity(z, 7)[108]
    manubrium = np.clip((z - high + 45) / 20, 0, 1)
    a, b = 15 + 12 * manubrium, 6.0
    return [
        Shape((ellipse((0, front[1]), (a, b)),), CORTEX - 120),
        Shape((ellipse((0, front[1]), (a - 2.2, b - 2.2)),), 130),
    ]


def scapulae_and_clavicles(chest: Chest, z: float) -> list[Shape]:
    """Scapulae behind the ribs, and clavicles at the top."""
    shapes = []
    up = (z - chest.apex + 130) / 130
    outer = chest.cavity(z, 17)
    if 0 < up < 1.15:
        length = 6 + 34 * min(up * 1.6, 1)
        for sign, place in ((1, 18), (-1, 54)):
            centre = outer[place]
            x, y = sign * (abs(centre[0]) + 6), centre[1] + 3
            shapes.append(Shape((ellipse((x, y), (length, 3.4), -sign * 0.85),), CORTEX - 100))
            shapes.append(Shape((ellipse((x, y), (length - 3, 1.2), -sign * 0.85),), MARROW))
    neck = (z - chest.apex + 34) / 30
    if 0 < neck < 1:
        for sign in (1, -1):
            x = sign * (28 + 85 * neck)
            shapes.append(Shape((ellipse((x, -0.62 * chest.depth), (20, 5.5), sign * 0.5),), CORTEX))
            shapes.append(Shape((ellipse((x, -0.62 * chest.depth), (17, 3), sign * 0.5),), MARROW))
    return shapes
