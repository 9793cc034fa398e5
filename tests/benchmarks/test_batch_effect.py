"""benchmarks/batch_effect.py on figures whose answer is known."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.batch_effect import (
    PLAIN,
    QUIET,
    SCANNERS,
    Measured,
    figures_of,
    means,
    measure,
    regions_of,
    site_accuracy,
)


def test_regions_are_thirds_of_each_lung_well_inside_it() -> None:
    lungs = np.zeros((9, 60, 60), np.uint8)
    lungs[:, 5:55, 5:25], lungs[:, 5:55, 35:55] = 1, 2
    regions = regions_of(lungs, 2.5)
    assert set(np.unique(regions)) == set(range(19))
    assert not regions[:, :7].any() and not regions[:, 53:].any()  # two pixels are no more than 5 mm
    assert regions[0, 7, 7] == 1 and regions[8, 52, 52] == 18 and regions[4, 30, 15] == 5
    sizes = np.bincount(regions.ravel())[1:]
    assert sizes.sum() == 2 * 9 * 46 * 16
    assert sizes.max() < 1.2 * sizes.min()
    values = np.where(regions == 5, 7.0, 1.0)
    np.testing.assert_array_equal(means(values, regions), np.where(np.arange(1, 19) == 5, 7, 1))


def test_the_classifier_tells_sites_that_differ_and_guesses_those_that_do_not() -> None:
    rng = np.random.default_rng(0)
    patients = rng.normal(0, 30, (24, 1, 1)) + rng.normal(0, 1, (24, 8, 3))
    assert site_accuracy(list(patients)) < 0.25
    drifts = 40 * np.arange(8)[:, None] * np.array([1, -1, 0])
    assert site_accuracy(list(patients + drifts)) > 0.9


def test_the_figures_are_the_largest_differences_from_the_quiet_scanner() -> None:
    def scan(value: float) -> Measured:
        region = np.full(18, 100 + value)
        return Measured(stored=region, hu=3 * region, after=region, texture=region)

    patient = [scan(0), *(scan(0.1 * site) for site in range(7)), scan(-20.48)]
    figures = figures_of([patient] * 5, [(2.048, 4.096), (1, 20.48)])
    assert figures["max_difference"] == pytest.approx(0.01)
    assert figures["difference_of_90_percent"] == pytest.approx(0.01)
    assert figures["max_difference_hu"] == pytest.approx(0.03)
    assert (figures["noise"], figures["voxel_noise"]) == (pytest.approx(0.001), pytest.approx(0.01))


def test_storage_alone_makes_no_difference_after_2_2() -> None:
    small = {"matrix": 128, "pixel_mm": 2.9, "spacing_mm": 18.0, "blur_mm": 2.0, "grain_mm": 2.5}
    one = measure(0, replace(QUIET, **small))
    other = measure(0, replace(QUIET, **small, slope=0.5, intercept=-1000, signed=True, drift_hu=30))
    assert np.abs(one.stored - other.stored).min() > 200
    assert np.abs(one.hu - other.hu).min() > 29
    assert np.abs(one.after - other.after).max() < 1
    assert len(SCANNERS) == 8 and PLAIN in SCANNERS
