"""What any lung may show without infection: dependent density, plates, scars, nodules, emphysema."""

import numpy as np

from preprocessing.phantom.lesions import NO_TUBES, Area, Findings, Grains
from preprocessing.phantom.lungs import Lungs, Rng, new_key
from preprocessing.phantom.tubes import Tubes


def confounders(lungs: Lungs, rng: Rng) -> Findings:
    """Draw them; the law is the same for all classes."""
    return Findings(
        areas=_plates(lungs, rng),
        benign_nodules=_nodules(lungs, rng),
        holes=_holes(lungs, rng),
        scars=_scars(lungs, rng),
        dependent_hu=float(rng.uniform(60, 300)) if rng.random() < 0.7 else 0.0,
        dependent_mm=float(rng.uniform(5, 13)),
    )


def _plates(lungs: Lungs, rng: Rng) -> tuple[Area, ...]:
    """Plates of collapsed lung near the diaphragm: wide, thin, lying."""
    areas = []
    for _ in range(int(rng.poisson(0.5))):
        side = lungs.either(rng)
        centre = lungs.place(rng, side, low=5, back=1)
        radii = (rng.uniform(12, 30), rng.uniform(6, 14), rng.uniform(2, 5))
        areas.append(Area(
            tuple(centre), radii, float(rng.uniform(-550, 0)), side,
            ragged=0.25, blur=0.35, infection=False, key=new_key(rng),
        ))  # fmt: skip
    return tuple(areas)


def _scars(lungs: Lungs, rng: Rng) -> Tubes:
    """Bands that run inwards from the pleura."""
    if rng.random() > 0.5:
        return NO_TUBES
    count = int(rng.integers(1, 7))
    start = np.stack([lungs.place(rng, lungs.either(rng), low=1.5, back=0, edge_mm=10) for _ in range(count)])
    way = -start * (1, 1, 0) / np.linalg.norm(start[:, :2], axis=1, keepdims=True)
    way = way + rng.normal(0, 0.6, way.shape) * (1, 1, 0.3)
    end = start + way * rng.uniform(10, 45, (count, 1))
    return Tubes(start, end, rng.uniform(0.7, 2.6, count), rng.uniform(0.6, 1.0, count))


def _nodules(lungs: Lungs, rng: Rng) -> Grains:
    """A few single balls."""
    count = int(rng.poisson(1.6))
    places = [lungs.place(rng, lungs.either(rng), low=0, back=0) for _ in range(count)]
    centre = np.array(places).reshape(count, 3)
    return Grains(centre, rng.uniform(1.5, 5.5, count), rng.uniform(0.6, 1, count))


def _holes(lungs: Lungs, rng: Rng) -> Grains:
    """Emphysema: clusters of holes, mostly in the upper lungs."""
    if rng.random() > 0.2:
        return Grains()
    count = int(rng.integers(40, 260))
    middles = np.stack([lungs.place(rng, side, low=-3, back=0) for side in (1, 2) for _ in range(8)])
    centre = middles[rng.integers(len(middles), size=count)] + rng.normal(0, 14, (count, 3))
    return Grains(centre, rng.uniform(2, 6.5, count), rng.uniform(0.5, 1, count))
