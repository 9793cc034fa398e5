"""Random findings without infection: dependent density, atelectasis, scars, nodules, emphysema."""

import numpy as np

from preprocessing.phantom.lesion_sites import Lungs, Rng, noise_key
from preprocessing.phantom.lesions import NO_TUBES, Findings, Opacity, Spheres
from preprocessing.phantom.tube_segments import Tubes


def confounders(lungs: Lungs, rng: Rng) -> Findings:
    """Draw random confounders; the distribution is the same for all classes."""
    return Findings(
        opacities=_atelectasis(lungs, rng),
        benign_nodules=_nodules(lungs, rng),
        emphysema=_emphysema(lungs, rng),
        scars=_scars(lungs, rng),
        dependent_hu=float(rng.uniform(60, 300)) if rng.random() < 0.7 else 0.0,
        dependent_mm=float(rng.uniform(5, 13)),
    )


def _atelectasis(lungs: Lungs, rng: Rng) -> tuple[Opacity, ...]:
    """Plate atelectasis near the diaphragm: wide, thin, horizontal."""
    opacities = []
    for _ in range(int(rng.poisson(0.5))):
        side = lungs.random_side(rng)
        centre = lungs.random_point(rng, side, low=5, back=1)
        radii = (rng.uniform(12, 30), rng.uniform(6, 14), rng.uniform(2, 5))
        opacities.append(Opacity(
            tuple(centre), radii, float(rng.uniform(-550, 0)), side,
            ragged=0.25, blur=0.35, infection=False, key=noise_key(rng),
        ))  # fmt: skip
    return tuple(opacities)


def _scars(lungs: Lungs, rng: Rng) -> Tubes:
    """Bands from the pleura inwards."""
    if rng.random() > 0.5:
        return NO_TUBES
    count = int(rng.integers(1, 7))
    start = np.stack(
        [lungs.random_point(rng, lungs.random_side(rng), low=1.5, back=0, edge_mm=10) for _ in range(count)]
    )
    way = -start * (1, 1, 0) / np.linalg.norm(start[:, :2], axis=1, keepdims=True)
    way = way + rng.normal(0, 0.6, way.shape) * (1, 1, 0.3)
    end = start + way * rng.uniform(10, 45, (count, 1))
    return Tubes(start, end, rng.uniform(0.7, 2.6, count), rng.uniform(0.6, 1.0, count))


def _nodules(lungs: Lungs, rng: Rng) -> Spheres:
    """A few benign nodules."""
    count = int(rng.poisson(1.6))
    places = [lungs.random_point(rng, lungs.random_side(rng), low=0, back=0) for _ in range(count)]
    centre = np.array(places).reshape(count, 3)
    return Spheres(centre, rng.uniform(1.5, 5.5, count), rng.uniform(0.6, 1, count))


def _emphysema(lungs: Lungs, rng: Rng) -> Spheres:
    """Clusters of emphysematous holes, mostly in the upper lungs."""
    if rng.random() > 0.2:
        return Spheres()
    count = int(rng.integers(40, 260))
    middles = np.stack([lungs.random_point(rng, side, low=-3, back=0) for side in (1, 2) for _ in range(8)])
    centre = middles[rng.integers(len(middles), size=count)] + rng.normal(0, 14, (count, 3))
    return Spheres(centre, rng.uniform(2, 6.5, count), rng.uniform(0.5, 1, count))
