"""Random findings of the three classes: healthy, COVID-19, other pneumonia.

Both diseases share the distributions of severity, ground glass and consolidation, so that no intensity
statistic separates them. They differ in distribution and shape: COVID-19 has many subpleural patches in both
lungs, low and posterior; other pneumonia is lobar, perihilar or nodular, mostly on one side. The reversed law
exchanges their places, to test that a method does not merely know the usual one.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from preprocessing.phantom.confounders import confounders
from preprocessing.phantom.lesion_sites import LesionPlacer, Lungs, Rng, noise_key
from preprocessing.phantom.lesions import Findings, Opacity, Spheres

INVISIBLE_SHARE = 0.04  # share of diseased scans without visible findings
_FISSURE = np.array([0, -0.62, 0.78])  # normal of the oblique fissure, which ascends to the back

_Nodule = tuple[NDArray[np.float64], float, float]  # centre, radius, strength


@dataclass(frozen=True)
class DiseaseLaw:
    """Where the two diseases lie.

    covid_both_lungs: COVID-19 infects both lungs, else one; covid_subpleural: share of its patches at the
    pleura; covid_low, covid_back, covid_deep: how strongly its patches prefer caudal, posterior and central
    places (negative: cranial, anterior); other_both_lungs: least probability that other pneumonia infects
    both lungs.
    """

    covid_both_lungs: bool = True
    covid_subpleural: float = 0.85
    covid_low: float = 2.5
    covid_back: float = 2.2
    covid_deep: float = 0.0
    other_both_lungs: float = 0.0


LawName = Literal["usual", "reversed"]
LAWS: dict[LawName, DiseaseLaw] = {
    "usual": DiseaseLaw(),
    "reversed": DiseaseLaw(
        covid_both_lungs=False,
        covid_subpleural=0.0,
        covid_low=-2.5,
        covid_back=0.0,
        covid_deep=3.0,
        other_both_lungs=1.0,
    ),
}


def random_severity(rng: Rng) -> float:
    """Random infected share of the lung, the same distribution for both diseases: mostly 0.1 to 0.5, rarely
    0.
    """
    if rng.random() < INVISIBLE_SHARE:
        return 0.0
    return float(0.03 + 0.75 * rng.beta(1.3, 2.4))


def random_findings(label: str, lungs: Lungs, rng: Rng, law: DiseaseLaw = LAWS["usual"]) -> Findings:
    """Random findings of a scan of class `label`."""
    common = confounders(lungs, rng)
    share = random_severity(rng)
    if label == "healthy" or share == 0:
        return common
    return (
        covid_findings(common, lungs, share, rng, law)
        if label == "covid"
        else other_findings(common, lungs, share, rng, law)
    )


def _solid_share(rng: Rng) -> float:
    """Share of a patient's opacities that are consolidation; 0 in many patients of either disease."""
    return 0.0 if rng.random() < 0.45 else float(rng.beta(1.1, 1.3))


def _random_density(solid_share: float, lungs: Lungs, rng: Rng) -> tuple[float, bool]:
    """(HU, whether consolidated) of one opacity."""
    if rng.random() < solid_share:
        return float(rng.uniform(-220, 50)), True
    return lungs.lung_hu + float(rng.uniform(95, 350)), False


def covid_findings(
    common: Findings, lungs: Lungs, share: float, rng: Rng, law: DiseaseLaw = LAWS["usual"]
) -> Findings:
    """Patches in both lungs, mostly subpleural, posterior and low; ground glass, partly crazy paving."""
    filling = LesionPlacer(lungs)
    first = 1 if law.covid_both_lungs else lungs.random_side(rng)
    solid, paved = 0.85 * _solid_share(rng), bool(rng.random() < 0.4)
    size = rng.uniform(0.8, 1.1) * (0.8 + 2.2 * share)
    while filling.needs_more(share):
        n = len(filling.opacities)
        side = 1 + n % 2 if n < 4 else lungs.random_side(rng)  # always both lungs
        filling.add(
            _patch(lungs, side if law.covid_both_lungs else first, size, share, solid, paved, rng, law)
        )
    return replace(common, opacities=(*common.opacities, *filling.opacities))


def _patch(
    lungs: Lungs, side: int, size: float, share: float, solid: float, paved: bool, rng: Rng, law: DiseaseLaw
) -> Opacity:
    subpleural = rng.random() < law.covid_subpleural
    centre = lungs.random_point(
        rng,
        side,
        low=law.covid_low,
        back=law.covid_back,
        deep=law.covid_deep,
        edge_mm=11 if subpleural else None,
    )
    hu, dense = _random_density(solid, lungs, rng)
    radii = size * rng.uniform(14, 34) * (0.8 if dense else 1) * rng.uniform(0.8, 1.25, 3) * (1, 1, 1.15)
    return Opacity(
        tuple(centre), tuple(radii), hu, side, ragged=rng.uniform(0.3, 0.5), blur=rng.uniform(0.12, 0.25),
        depth_mm=rng.uniform(13, 30) * (0.75 + 1.4 * share) if subpleural else 999.0,
        paving=rng.uniform(0.5, 1) if paved and not dense and rng.random() < 0.6 else 0.0, key=noise_key(rng),
    )  # fmt: skip


def other_findings(
    common: Findings, lungs: Lungs, share: float, rng: Rng, law: DiseaseLaw = LAWS["usual"]
) -> Findings:
    """Lobar or perihilar opacities or clusters of nodules, mostly on one side; sometimes pleural fluid."""
    filling = LesionPlacer(lungs)
    pattern = rng.choice(["lobar", "root", "grains"], p=[0.42, 0.26, 0.32])
    first = lungs.random_side(rng)
    both = rng.random() < max(law.other_both_lungs, 0.6 if pattern == "root" else 0.1 + 0.7 * share)
    solid, upper, fissure_z = _solid_share(rng), bool(rng.random() < 0.45), rng.normal(0, 8)
    share = share if both else min(share, 0.4)
    grains: list[_Nodule] = []
    while filling.needs_more(0.6 * share if pattern == "grains" else share):
        side = _side(first, len(filling.opacities), both, law, lungs, rng)
        hu, dense = _random_density(solid, lungs, rng)
        if pattern == "lobar":
            filling.add(_lobar(lungs, side, hu, upper, fissure_z, share, rng))
        elif pattern == "root":
            filling.add(_perihilar(side, hu, share, rng))
        else:
            middle = lungs.random_point(rng, side, low=1.0, back=0.5)
            grains += _cluster(middle, 1.0 if dense else 0.6, rng)
            filling.add(_confluence(middle, side, hu, rng))
    fluid = float(rng.uniform(15, 55)) if rng.random() < 0.3 else 0.0
    return replace(
        common,
        opacities=(*common.opacities, *filling.opacities),
        nodules=_spheres(grains),
        effusion=(fluid, 0.0) if first == 1 else (0.0, fluid),
    )


def _side(first: int, number: int, both: bool, law: DiseaseLaw, lungs: Lungs, rng: Rng) -> int:
    """The side of other pneumonia's opacity `number`, from 0."""
    if not both:
        return first
    if law.other_both_lungs == 1 and number < 2:  # certainly both lungs, however few the opacities
        return first if number == 0 else 3 - first
    return lungs.random_side(rng)


def _lobar(
    lungs: Lungs, side: int, hu: float, upper: bool, fissure_z: float, share: float, rng: Rng
) -> Opacity:
    """A large opacity bounded by the oblique fissure."""
    centre = lungs.random_point(rng, side, low=-2.0 if upper else 2.0, back=-1.0 if upper else 1.5)
    normal = _FISSURE if upper else -_FISSURE
    radii = rng.uniform(32, 58) * (0.8 + 0.7 * share) * rng.uniform(0.85, 1.15, 3)
    return Opacity(
        tuple(centre), tuple(radii), hu, side, ragged=rng.uniform(0.12, 0.28), blur=0.12,
        fissure=(float(normal[0]), float(normal[1]), float(normal[2]), float(normal[2] * fissure_z)),
        patchy=0.15, key=noise_key(rng),
    )  # fmt: skip


def _perihilar(side: int, hu: float, share: float, rng: Rng) -> Opacity:
    """A perihilar opacity that spares the periphery."""
    centre = np.array([-46.0 if side == 1 else 50.0, 8.0, 0.0]) + rng.normal(0, (9, 14, 22))
    radii = rng.uniform(24, 42) * (0.75 + 1.7 * share) * rng.uniform(0.85, 1.2, 3)
    ragged = rng.uniform(0.2, 0.4)
    return Opacity(tuple(centre), tuple(radii), hu, side, ragged=ragged, blur=0.3, key=noise_key(rng))


def _cluster(middle: NDArray[np.float64], strength: float, rng: Rng) -> list[_Nodule]:
    """Centrilobular nodules of 2 to 7 mm around a small airway."""
    count = int(rng.integers(25, 70))
    places = middle + rng.normal(0, rng.uniform(11, 20), (count, 3))
    radii, strengths = rng.uniform(1.3, 3.4, count), strength * rng.uniform(0.45, 1.0, count)
    return [(p, float(r), float(s)) for p, r, s in zip(places, radii, strengths, strict=True)]


def _confluence(middle: NDArray[np.float64], side: int, hu: float, rng: Rng) -> Opacity:
    """The small opacity in which a cluster's nodules are confluent."""
    centre = middle + rng.normal(0, 6, 3)
    radii = rng.uniform(10, 24) * rng.uniform(0.8, 1.2, 3)
    return Opacity(tuple(centre), tuple(radii), hu, side, ragged=0.45, blur=0.4, key=noise_key(rng))


def _spheres(items: list[_Nodule]) -> Spheres:
    if not items:
        return Spheres()
    centre, radius, strength = zip(*items, strict=True)
    return Spheres(np.array(centre), np.array(radius), np.array(strength))
