"""The laws of the three classes: what a healthy, a COVID and another pneumonia scan show, at random.

Both diseases share severity, ground glass and consolidation; they differ in where and how: COVID in many
subpleural patches on both sides, low and behind; other pneumonia in a lobe, round the root, or in grains,
mostly on one side.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from preprocessing.phantom.anatomy import LungMap
from preprocessing.phantom.lesions import Area, Findings, Grains, Mesh
from preprocessing.phantom.tubes import Tubes

INVISIBLE = 0.04  # share of diseased scans that show nothing
_MOST_AREAS = 45

Rng = np.random.Generator


def depth_in_slices(inside: NDArray[np.bool_], pixel_mm: float) -> NDArray[np.float32]:
    """mm from each lung pixel to the nearest pixel of its slice that is not lung, [z, y, x]."""
    flat = inside.astype(np.uint8)
    return np.stack([cv2.distanceTransform(s, cv2.DIST_L2, 3) for s in flat]) * np.float32(pixel_mm)


@dataclass(frozen=True)
class Lungs:
    """The coarse lungs a disease is laid into."""

    mesh: Mesh
    lung_hu: float

    @staticmethod
    def of(lungs: LungMap, lung_hu: float) -> "Lungs":
        depth = depth_in_slices(lungs.side > 0, float(lungs.x[1] - lungs.x[0]))
        return Lungs(Mesh(lungs.z, lungs.y, lungs.x, lungs.side, depth), lung_hu)

    def place(self, rng: Rng, side: int, *, edge_mm: float, low: float, back: float) -> NDArray[np.float64]:
        """A point (x, y, z) of one lung: within edge_mm of its edge; low and back pull it down, backwards."""
        mesh = self.mesh
        k, j, i = np.nonzero((mesh.side == side) & (mesh.depth < edge_mm))
        outward = np.abs(mesh.x[i]) / np.abs(mesh.x).max() + np.abs(mesh.y[j]) / np.abs(mesh.y).max()
        pull = -low * (mesh.z[k] - mesh.z[0]) / np.ptp(mesh.z) + back * mesh.y[j] / np.abs(mesh.y).max()
        weight = np.exp(pull + (2.5 * outward if edge_mm < 100 else 0))
        n = rng.choice(len(k), p=weight / weight.sum())
        return np.array([mesh.x[i[n]], mesh.y[j[n]], mesh.z[k[n]]])


def severity(rng: Rng) -> float:
    """The share of lung infected: 0 at times, mostly 10 to 50 %, heavy at times; one law for both diseases."""
    if rng.random() < INVISIBLE:
        return 0.0
    return float(0.03 + 0.62 * rng.beta(1.5, 2.6))


def find(label: str, lungs: Lungs, rng: Rng) -> Findings:
    """What a scan of this class shows."""
    common = confounders(lungs, rng)
    share = severity(rng)
    if label == "healthy" or share == 0:
        return common
    return covid(common, lungs, share, rng) if label == "covid" else other(common, lungs, share, rng)


class _Filling:
    """Areas are added until the wanted share of the lungs is covered."""

    def __init__(self, lungs: Lungs) -> None:
        self.mesh = lungs.mesh
        self.covered = np.zeros(lungs.mesh.side.shape, bool)
        self.total = int((lungs.mesh.side > 0).sum())
        self.areas: list[Area] = []

    def add(self, area: Area) -> None:
        at, cover = area.cover(self.mesh)
        self.covered[at] |= cover > 0.5
        self.areas.append(area)

    @property
    def share(self) -> float:
        return float(self.covered.sum()) / self.total

    def wants(self, share: float) -> bool:
        return self.share < share and len(self.areas) < _MOST_AREAS


def _key(rng: Rng) -> int:
    return int(rng.integers(1 << 30))


def _glass(rng: Rng) -> float:
    return float(rng.uniform(-690, -430))


def _solid(rng: Rng) -> float:
    return float(rng.uniform(-170, 50))


def covid(common: Findings, lungs: Lungs, share: float, rng: Rng) -> Findings:
    """Patches on both sides, mostly under the pleura, behind and below; ground glass, some of it paved."""
    filling = _Filling(lungs)
    solid = float(rng.beta(1.1, 2.2))  # this patient's share of consolidated patches
    paved = rng.random() < 0.4
    size = rng.uniform(0.75, 1.0) * (0.8 + 0.9 * share)
    while filling.wants(share):
        n = len(filling.areas)
        side = 1 + n % 2 if n < 4 else int(rng.integers(1, 3))
        subpleural = rng.random() < 0.85
        centre = lungs.place(rng, side, edge_mm=11 if subpleural else 400, low=2.5, back=2.2)
        dense = rng.random() < solid
        radius = size * rng.uniform(14, 34) * (0.8 if dense else 1)
        radii = radius * rng.uniform(0.8, 1.25, 3) * (1, 1, 1.15)
        filling.add(Area(
            tuple(centre), tuple(radii), _solid(rng) if dense else _glass(rng), side,
            ragged=rng.uniform(0.3, 0.5), blur=rng.uniform(0.12, 0.25),
            depth_mm=rng.uniform(14, 34) * (0.8 + share) if subpleural else 999.0,
            paving=rng.uniform(0.5, 1) if paved and not dense and rng.random() < 0.6 else 0.0, key=_key(rng),
        ))  # fmt: skip
    return replace(common, areas=tuple(filling.areas))


def other(common: Findings, lungs: Lungs, share: float, rng: Rng) -> Findings:
    """A lobe, the lung's root, or clusters of grains; mostly one side; at times fluid."""
    filling = _Filling(lungs)
    pattern = rng.choice(["lobar", "root", "grains"], p=[0.42, 0.26, 0.32])
    first = int(rng.integers(1, 3))
    both = rng.random() < (0.6 if pattern == "root" else 0.25)
    glassy = float(rng.beta(1.0, 1.4))  # this patient's share of ground glass
    share = min(share, 0.42 if not both else share)
    nodules: list[tuple[NDArray[np.float64], float, float]] = []
    fissure_z = rng.normal(0, 8)
    upper = rng.random() < 0.45
    while filling.wants(share if pattern != "grains" else 0.55 * share):
        side = int(rng.integers(1, 3)) if both else first
        hu = _glass(rng) if rng.random() < glassy else _solid(rng)
        if pattern == "lobar":
            filling.add(_lobar(lungs, side, hu, upper, fissure_z, share, rng))
        elif pattern == "root":
            filling.add(_root(side, hu, share, rng))
        else:
            nodules += _cluster(lungs, side, rng)
            filling.add(_grain_patch(nodules[-1][0], side, hu, rng))
    effusion = [0.0, 0.0]
    if rng.random() < 0.3:
        effusion[first - 1] = float(rng.uniform(15, 55))
    return replace(common, areas=tuple(filling.areas), nodules=_grains(nodules), effusion=tuple(effusion))


def _lobar(lungs: Lungs, side: int, hu: float, upper: bool, fissure_z: float, share: float, rng: Rng) -> Area:
    """A big area that stops sharply at the oblique fissure, which falls from back to front."""
    centre = lungs.place(rng, side, edge_mm=400, low=-2.0 if upper else 2.0, back=-1.0 if upper else 1.5)
    normal = np.array([0, -0.62, 0.78]) * (1 if upper else -1)
    offset = (0.78 * fissure_z) * (1 if upper else -1)
    radii = rng.uniform(32, 58) * (0.8 + 0.7 * share) * rng.uniform(0.85, 1.15, 3)
    return Area(tuple(centre), tuple(radii), hu, side, ragged=rng.uniform(0.12, 0.28), blur=0.12,
                fissure=(*normal, offset), patchy=0.15, key=_key(rng))  # fmt: skip


def _root(side: int, hu: float, share: float, rng: Rng) -> Area:
    """An area round the lung's root that spares the outer lung."""
    centre = np.array([-46.0 if side == 1 else 50.0, 8.0, 0.0]) + rng.normal(0, (9, 14, 22))
    radii = rng.uniform(22, 40) * (0.75 + 0.9 * share) * rng.uniform(0.85, 1.2, 3)
    return Area(tuple(centre), tuple(radii), hu, side, ragged=rng.uniform(0.2, 0.4), blur=0.3, key=_key(rng))


def _cluster(lungs: Lungs, side: int, rng: Rng) -> list[tuple[NDArray[np.float64], float, float]]:
    """Grains of 2 to 5 mm round a small airway: (centre, radius, strength); the last is the cluster's middle."""
    middle = lungs.place(rng, side, edge_mm=400, low=1.0, back=0.5)
    count = int(rng.integers(25, 70))
    places = middle + rng.normal(0, rng.uniform(11, 20), (count, 3))
    radii, strengths = rng.uniform(1.3, 3.4, count), rng.uniform(0.45, 1.0, count)
    grains = [(p, float(r), float(s)) for p, r, s in zip(places, radii, strengths, strict=True)]
    return [*grains, (middle, float(rng.uniform(2.5, 5)), 0.9)]


def _grain_patch(middle: NDArray[np.float64], side: int, hu: float, rng: Rng) -> Area:
    centre = middle + rng.normal(0, 6, 3)
    radii = rng.uniform(9, 20) * rng.uniform(0.8, 1.2, 3)
    return Area(tuple(centre), tuple(radii), hu, side, ragged=0.45, blur=0.4, key=_key(rng))


def _grains(items: list[tuple[NDArray[np.float64], float, float]]) -> Grains:
    if not items:
        return Grains()
    centre, radius, strength = zip(*items, strict=True)
    return Grains(np.array(centre), np.array(radius), np.array(strength))


def confounders(lungs: Lungs, rng: Rng) -> Findings:
    """What any lung may show: dependent density, scars, a few nodules, holes of emphysema."""
    scars = None
    if rng.random() < 0.45:
        count = int(rng.integers(1, 6))
        start = np.stack([lungs.place(rng, int(rng.integers(1, 3)), edge_mm=10, low=1, back=0)
                          for _ in range(count)])  # fmt: skip
        way = -start * (1, 1, 0) / np.linalg.norm(start[:, :2], axis=1, keepdims=True)
        way = way + rng.normal(0, 0.5, way.shape) * (1, 1, 0.3)
        end = start + way * rng.uniform(10, 38, (count, 1))
        scars = Tubes(start, end, rng.uniform(0.6, 1.8, count), rng.uniform(0.6, 1.0, count))
    return Findings(
        benign_nodules=_few_nodules(lungs, rng),
        holes=_holes(lungs, rng),
        scars=scars,
        dependent_hu=float(rng.uniform(60, 330)) if rng.random() < 0.6 else 0.0,
    )


def _few_nodules(lungs: Lungs, rng: Rng) -> Grains:
    count = int(rng.poisson(1.5))
    places = [lungs.place(rng, int(rng.integers(1, 3)), edge_mm=400, low=0, back=0) for _ in range(count)]
    return _grains([(p, float(rng.uniform(1.5, 4.5)), float(rng.uniform(0.6, 1))) for p in places])


def _holes(lungs: Lungs, rng: Rng) -> Grains:
    if rng.random() > 0.2:
        return Grains()
    count = int(rng.integers(40, 260))
    places = [lungs.place(rng, side, edge_mm=400, low=-3.0, back=0) for side in (1, 2) for _ in range(8)]
    centre = np.stack(places)[rng.integers(16, size=count)] + rng.normal(0, 14, (count, 3))
    return Grains(centre, rng.uniform(2, 6.5, count), rng.uniform(0.4, 0.9, count))
