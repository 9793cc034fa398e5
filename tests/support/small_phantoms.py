"""Small scans for these tests: the preset's scanners with few, large voxels."""

from dataclasses import replace
from functools import cache

from preprocessing.phantom.acquisition import PhantomScan, simulate_scan
from preprocessing.phantom.presets import SCANNERS
from preprocessing.phantom.scanner import Scanner

COARSE_SCANNERS = tuple(
    replace(s, matrix=160, pixel_mm=2.3, spacing_mm=14.0, blur_mm=1.2, grain_mm=1.6) for s in SCANNERS
)
QUIET = Scanner("quiet", "none", matrix=200, pixel_mm=1.8, spacing_mm=8.0, thickness_mm=1.0, noise_hu=0.0)


@cache
def coarse_scan(label: str, number: int) -> PhantomScan:
    """A scan of a class on one of the scanners in turn."""
    return simulate_scan(label, COARSE_SCANNERS[number % len(COARSE_SCANNERS)], (7, number))


@cache
def quiet_scan(label: str, number: int) -> PhantomScan:
    """A scan without noise."""
    return simulate_scan(label, QUIET, (11, number))
