"""The classes' laws: how much, where, on which side."""

from functools import cache

import numpy as np
import pytest

from preprocessing.phantom.anatomy import Anatomy
from preprocessing.phantom.chest import random_chest
from preprocessing.phantom.disease import (
    INVISIBLE_SHARE,
    covid_findings,
    other_findings,
    random_findings,
    random_severity,
)
from preprocessing.phantom.lesion_sites import Lungs
from preprocessing.phantom.lesions import Findings, Mesh, Opacity, opacity_map
from tests.support.small_phantoms import coarse_scan

SCANS = 4
LABELS = ("healthy", "covid", "other")


def _shares(label: str) -> np.ndarray:
    """[scan, side]: infected share of each lung, of scans that show disease."""
    shares = []
    for number in range(SCANS):
        scan = coarse_scan(label, number)
        shares.append([scan.infection[scan.lungs == side].mean() for side in (1, 2)])
    array = np.array(shares)
    return array[array.sum(1) > 0]


def test_healthy_lungs_have_no_infection_and_disease_lies_in_lungs() -> None:
    for number in range(SCANS):
        assert not coarse_scan("healthy", number).infection.any()
        for label in LABELS[1:]:
            scan = coarse_scan(label, number)
            assert not scan.infection[scan.lungs == 0].any()


def test_covid_is_on_both_sides() -> None:
    shares = _shares("covid")
    assert len(shares) >= SCANS - 1
    assert (shares > 0.005).all()


def test_other_pneumonia_is_mostly_on_one_side() -> None:
    lungs, sides = _lungs(0), []
    for number in range(24):
        findings = other_findings(Findings(), lungs, 0.15, np.random.default_rng([5, number]))
        sides.append(len({opacity.side for opacity in findings.opacities}))
    assert 0.5 < np.mean([n == 1 for n in sides]) < 0.95


def test_severity_is_at_times_nothing_and_mostly_between_10_and_50_percent() -> None:
    rng = np.random.default_rng(1)
    drawn = np.array([random_severity(rng) for _ in range(20_000)])
    assert (drawn == 0).mean() == pytest.approx(INVISIBLE_SHARE, abs=0.005)
    assert ((drawn > 0.1) & (drawn < 0.5)).mean() > 0.6
    assert drawn.max() < 0.8


def test_a_scan_is_infected_about_as_much_as_was_drawn() -> None:
    for law, share in ((covid_findings, 0.25), (other_findings, 0.15), (covid_findings, 0.5)):
        lungs = _lungs(0)
        cover = _cover(law(Findings(), lungs, share, np.random.default_rng(6)), lungs)
        assert 0.6 * share < cover.sum() / (lungs.mesh.side > 0).sum() < 1.5 * share


def test_covid_lies_nearer_to_the_edge_than_other_pneumonia() -> None:
    mean_depth = {}
    for law in (covid_findings, other_findings):
        depths = []
        for number in range(8):
            lungs = _lungs(number % 2)
            cover = _cover(law(Findings(), lungs, 0.2, np.random.default_rng([8, number])), lungs)
            depths.append(lungs.mesh.depth[cover].mean())
        mean_depth[law] = np.mean(depths)
    assert mean_depth[covid_findings] < 0.85 * mean_depth[other_findings]


def test_confounders_follow_one_law_for_all_classes() -> None:
    """The same generator gives the same confounders whatever the label; disease is drawn after them."""
    lungs = _lungs(1)
    for number in range(5):
        of = {label: random_findings(label, lungs, np.random.default_rng([9, number])) for label in LABELS}
        for diseased in (of["covid"], of["other"]):
            assert (
                tuple(opacity for opacity in diseased.opacities if not opacity.infection)
                == of["healthy"].opacities
            )
            assert diseased.dependent_hu == of["healthy"].dependent_hu
            np.testing.assert_array_equal(diseased.emphysema.centre, of["healthy"].emphysema.centre)
            np.testing.assert_array_equal(diseased.scars.end, of["healthy"].scars.end)


def test_an_area_without_rag_is_the_ellipsoid_and_respects_side_and_fissure() -> None:
    axis = np.arange(-30.0, 31.0)
    side = np.where(axis < 0, 1, 2).astype(np.uint8) * np.ones((61, 61, 61), np.uint8)
    mesh = Mesh(axis, axis, axis, side, np.zeros(side.shape, np.float32))
    opacity = Opacity((0, 0, 0), (20, 10, 15), -500, side=2, ragged=0.0, blur=0.02, patchy=0.0)
    cover = opacity_map((opacity,), mesh, -850).cover > 0.5
    z, y, x = np.meshgrid(axis, axis, axis, indexing="ij")
    expected = ((x / 20) ** 2 + (y / 10) ** 2 + (z / 15) ** 2 < 1) & (x >= 0)
    assert (cover != expected).mean() < 0.001
    above = Opacity((0, 0, 0), (20, 10, 15), -500, side=2, ragged=0.0, blur=0.02, fissure=(0, 0, 1, 5))
    cut = opacity_map((above,), mesh, -850).cover > 0.5
    assert cut.any()
    assert not cut[axis < -9].any()  # the fissure waves by some millimetres
    added = opacity_map((opacity,), mesh, -850).added
    assert added[30, 30, 35] == pytest.approx(350)


def _cover(findings: Findings, lungs: Lungs) -> np.ndarray:
    cover = opacity_map(findings.opacities, lungs.mesh, lungs.lung_hu).cover > 0.5
    return cover & (lungs.mesh.side > 0)


@cache
def _lungs(number: int) -> Lungs:
    chest = random_chest(np.random.default_rng([4, number]))
    return Lungs.from_lung_map(Anatomy(chest, (4, number)).lung_map, chest.lung_hu)
