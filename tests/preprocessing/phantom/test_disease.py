"""The classes' laws: how much, where, on which side."""

from functools import cache

import numpy as np
import pytest

from preprocessing.phantom.anatomy import Anatomy
from preprocessing.phantom.chest import random_chest
from preprocessing.phantom.disease import (
    INVISIBLE_SHARE,
    LAWS,
    covid_findings,
    other_findings,
    random_severity,
)
from preprocessing.phantom.lesion_sites import Lungs
from preprocessing.phantom.lesions import Findings, opacity_map
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


def test_the_reversed_law_exchanges_side_height_and_depth() -> None:
    sides, heights, depths = {}, {}, {}
    for name, law in LAWS.items():
        for findings_of in (covid_findings, other_findings):
            place, lungs = (name, findings_of), _lungs(0)
            drawn = [
                findings_of(Findings(), lungs, 0.15, np.random.default_rng([9, n]), law) for n in range(16)
            ]
            sides[place] = np.mean([len({opacity.side for opacity in found.opacities}) for found in drawn])
            covers = [_cover(found, lungs) for found in drawn]
            heights[place] = np.mean([lungs.mesh.z[np.nonzero(cover)[0]].mean() for cover in covers])
            depths[place] = np.mean([lungs.mesh.depth[cover].mean() for cover in covers])
    assert sides["usual", covid_findings] == 2 and sides["reversed", covid_findings] == 1
    assert sides["usual", other_findings] < 1.5 and sides["reversed", other_findings] == 2
    assert heights["reversed", covid_findings] > heights["usual", covid_findings] + 30
    assert depths["reversed", covid_findings] > 1.3 * depths["usual", covid_findings]


def _cover(findings: Findings, lungs: Lungs) -> np.ndarray:
    cover = opacity_map(findings.opacities, lungs.mesh, lungs.lung_hu).cover > 0.5
    return cover & (lungs.mesh.side > 0)


@cache
def _lungs(number: int) -> Lungs:
    chest = random_chest(np.random.default_rng([4, number]))
    return Lungs.from_lung_map(Anatomy(chest, (4, number)).lung_map, chest.lung_hu)
