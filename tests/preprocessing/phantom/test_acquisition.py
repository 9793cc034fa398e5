"""A simulated scan is reproducible, aligned with its truth, and has the scanner's geometry."""

import numpy as np

from preprocessing.phantom.acquisition import simulate_scan
from tests.support.small_phantoms import COARSE_SCANNERS, coarse_scan


def test_equal_arguments_give_equal_scans_and_other_seeds_do_not() -> None:
    first = coarse_scan("covid", 0)
    again = simulate_scan("covid", COARSE_SCANNERS[0], (7, 0))
    for name in ("hu", "lungs", "infection", "z_mm"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    assert not np.array_equal(coarse_scan("covid", 1).z_mm, first.z_mm)


def test_slices_cover_both_lungs_at_the_scanners_spacing() -> None:
    scanner, scan = COARSE_SCANNERS[0], coarse_scan("covid", 0)
    assert scan.hu.shape == scan.lungs.shape == scan.infection.shape
    assert scan.hu.shape[1:] == (scanner.matrix, scanner.matrix)
    np.testing.assert_allclose(np.diff(scan.z_mm), scanner.spacing_mm)
    assert not scan.lungs[0].any() and scan.lungs[1:4].any()  # from just below the base
    assert (scan.hu.dtype, scan.lungs.dtype, scan.infection.dtype) == (np.float32, np.uint8, np.bool_)


def test_infected_lung_is_denser_than_the_rest() -> None:
    scan = coarse_scan("covid", 1)
    healthy = (scan.lungs > 0) & ~scan.infection
    assert scan.infection.any()
    assert np.median(scan.hu[scan.infection]) > np.median(scan.hu[healthy]) + 100
