"""Presets of phantom federations: hospitals, their scans per class, their scanners."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from preprocessing.phantom.disease import LawName
from preprocessing.phantom.scanner import Scanner
from shared_model.errors import PneumofedError

Role = Literal["training", "held-out"]


@dataclass(frozen=True)
class HospitalPlan:
    """One phantom hospital: number of scans of each class, scanner, and where its patients' diseases lie."""

    name: str
    role: Role
    covid: int
    other: int
    healthy: int
    scanner: Scanner
    law: LawName = "usual"

    @property
    def counts(self) -> dict[str, int]:
        return {"covid": self.covid, "other": self.other, "healthy": self.healthy}

    @property
    def total(self) -> int:
        return self.covid + self.other + self.healthy


SCANNERS = (
    Scanner("Alpha 16", "B50f", pixel_mm=0.74, spacing_mm=8, thickness_mm=6, noise_hu=16, bits=12),
    Scanner(
        "Beta VCT", "LUNG", pixel_mm=0.78, spacing_mm=7.5, thickness_mm=2.5, blur_mm=0.45, edge=0.5,
        noise_hu=22, grain_mm=0.6, drift_hu=6, slope=1, intercept=-1024, signed=True, padding=-2000,
        table="flat", numbering="feet-first",
    ),
    Scanner(
        "Gamma Ten", "FC51", pixel_mm=0.70, spacing_mm=8, thickness_mm=8, blur_mm=0.8, noise_hu=12,
        grain_mm=1.1, drift_hu=-9, intercept=0, signed=True, padding=-3024, numbering="shuffled", kvp=130,
    ),
    Scanner(
        "Delta 4", "C", matrix=400, pixel_mm=0.95, spacing_mm=8, thickness_mm=5, blur_mm=0.7, noise_hu=26,
        grain_mm=1.0, drift_hu=12, slope=2, intercept=-2048, bits=12, table="flat", numbering="shuffled",
        implicit=True,
    ),
    Scanner(
        "Epsilon 64", "B70s", pixel_mm=0.62, spacing_mm=8, thickness_mm=1, blur_mm=0.4, edge=0.7, noise_hu=24,
        grain_mm=0.55, drift_hu=-4, off_centre_mm=14, kvp=100,
    ),
    Scanner(
        "Zeta Prime", "STANDARD", matrix=448, pixel_mm=0.86, spacing_mm=7, thickness_mm=7, blur_mm=0.9,
        noise_hu=10, grain_mm=1.3, drift_hu=15, slope=0.5, intercept=-1000, signed=True, padding=-2000,
        table="none", numbering="feet-first", kvp=140,
    ),
    Scanner(
        "Eta 32", "B45f", pixel_mm=0.80, spacing_mm=7.5, thickness_mm=4, blur_mm=0.55, edge=0.3, noise_hu=20,
        grain_mm=0.8, drift_hu=-12, off_centre_mm=10, table="flat", bits=12,
    ),
    Scanner(
        "Theta Duo", "FC08", matrix=480, pixel_mm=0.76, spacing_mm=8, thickness_mm=3, blur_mm=0.95,
        noise_hu=15, grain_mm=1.2, drift_hu=8, slope=1, intercept=0, signed=True, padding=-2000, kvp=130,
    ),
)  # fmt: skip


def _tiny(scanner: Scanner) -> Scanner:
    """The same scanner with few, large voxels, for tests."""
    return replace(
        scanner, matrix=128, pixel_mm=2.9, spacing_mm=18.0, thickness_mm=6.0, blur_mm=1.8, grain_mm=2.0
    )


def _plan(name: str, role: Role, covid: int, other: int, healthy: int, scanner: Scanner) -> HospitalPlan:
    return HospitalPlan(name, role, covid, other, healthy, scanner)


A, B, C, D, E, F, G, H = SCANNERS
PRESETS: dict[str, tuple[HospitalPlan, ...]] = {
    "tiny": (
        _plan("north", "training", 1, 1, 2, _tiny(A)),
        _plan("lakeside", "training", 2, 2, 0, _tiny(B)),
        _plan("harbour", "held-out", 1, 1, 2, _tiny(D)),
    ),
    "demo": (
        _plan("north", "training", 14, 12, 14, A),
        _plan("lakeside", "training", 16, 4, 12, B),
        _plan("hillcrest", "training", 4, 16, 12, C),
        _plan("old-town", "training", 14, 14, 6, D),
        _plan("harbour", "held-out", 15, 15, 15, E),
        _plan("airport", "held-out", 15, 15, 15, F),
    ),
    "one-class": (  # no hospital can learn a decision from its own scans
        _plan("north", "training", 24, 0, 0, A),
        _plan("lakeside", "training", 0, 24, 0, B),
        _plan("hillcrest", "training", 0, 0, 24, C),
        _plan("old-town", "training", 0, 24, 0, D),
        _plan("seaview", "training", 0, 0, 24, E),
        _plan("riverside", "training", 24, 0, 0, F),
        _plan("harbour", "held-out", 15, 15, 15, G),
        _plan("airport", "held-out", 15, 15, 15, H),
    ),
    "paper": (  # Table 2; with healthy and other scans added at the held-out hospitals, which have none there
        _plan("imam-khomeini-tehran", "training", 188, 0, 0, A),
        _plan("yaas", "training", 38, 0, 0, B),
        _plan("trc", "training", 0, 0, 438, C),
        _plan("kerman", "training", 103, 276, 134, D),
        _plan("qazvin", "training", 220, 294, 0, E),
        _plan("kashan", "training", 1688, 0, 0, F),
        _plan("isfahan", "held-out", 94, 94, 94, replace(A, kernel="B60f", spacing_mm=5, edge=0.3)),
        _plan("firoozgar", "held-out", 966, 96, 96, replace(B, spacing_mm=5, noise_hu=30, table="curved")),
        _plan("rasoul-akram", "held-out", 350, 96, 96, replace(C, pixel_mm=0.8, drift_hu=10, padding=-2000)),
        _plan("amiralam", "held-out", 25, 25, 25, replace(E, pixel_mm=0.6, thickness_mm=3, padding=-3024)),
    ),
}


FEDERATIONS = ("demo", "paper", "one-class")
"""Presets of which `federation_plans` makes a federation."""

_UNSEEN = {
    "paper": (  # as many of each class as an AUC inside a hospital needs, on scanners that nobody trained on
        _plan("harbour", "held-out", 15, 15, 15, G),
        _plan("airport", "held-out", 15, 15, 15, H),
    )
}
_TRAINING_SCANS = {"paper": 180}


def federation_plans(name: str, scans: int | None) -> tuple[HospitalPlan, ...]:
    """The training hospitals of a preset, scaled to `scans` scans, and two held-out ones on unseen scanners.

    The held-out hospitals are not scaled: they have 15 scans of each class. Without `scans` there are as
    many training scans as in the preset, of `paper` 180. Raises PneumofedError "phantom-preset" or
    "phantom-scans".
    """
    if name not in FEDERATIONS:
        raise PneumofedError(
            "phantom-preset", f"no federation {name!r}: choose one of {', '.join(FEDERATIONS)}"
        )
    training = [plan for plan in PRESETS[name] if plan.role == "training"]
    held_out = _UNSEEN.get(name) or [plan for plan in PRESETS[name] if plan.role == "held-out"]
    return (*_scaled_to(training, name, scans or _TRAINING_SCANS.get(name)), *held_out)


def hospital_plans(preset: str, scans: int | None) -> tuple[HospitalPlan, ...]:
    """The hospitals of a preset, scaled to a total of `scans` scans (None: the preset's own).

    Every class that a hospital has keeps at least one scan. Raises PneumofedError "phantom-preset" for an
    unknown name and "phantom-scans" for fewer scans than there are classes at hospitals.
    """
    if preset not in PRESETS:
        raise PneumofedError("phantom-preset", f"no preset {preset!r}: choose one of {', '.join(PRESETS)}")
    return _scaled_to(PRESETS[preset], preset, scans)


def _scaled_to(chosen: Sequence[HospitalPlan], preset: str, scans: int | None) -> tuple[HospitalPlan, ...]:
    if scans is None:
        return tuple(chosen)
    cells = [n for plan in chosen for n in plan.counts.values() if n]
    if scans < len(cells):
        raise PneumofedError(
            "phantom-scans",
            f"preset {preset} has {len(cells)} classes over its hospitals: ask for that many scans or more",
        )
    shares = iter(_shares(cells, scans))
    return tuple(_scaled(plan, [next(shares) if n else 0 for n in plan.counts.values()]) for plan in chosen)


def _scaled(plan: HospitalPlan, counts: list[int]) -> HospitalPlan:
    covid, other, healthy = counts
    return replace(plan, covid=covid, other=other, healthy=healthy)


def _shares(cells: list[int], total: int) -> list[int]:
    """Split `total` in proportion to `cells`, each at least 1, by largest remainder."""
    wanted = [n * total / sum(cells) for n in cells]
    result = [min(max(1, int(want)), total) for want in wanted]
    while (missing := total - sum(result)) != 0:
        step = 1 if missing > 0 else -1
        able = [i for i in range(len(cells)) if result[i] + step >= 1]
        result[max(able, key=lambda i: step * (wanted[i] - result[i]))] += step
    return result
