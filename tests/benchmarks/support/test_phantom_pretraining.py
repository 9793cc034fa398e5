"""benchmarks/support/phantom_pretraining.py: slices of phantoms, and the weights learned from them."""

from dataclasses import replace
from functools import partial
from itertools import pairwise

import numpy as np

from benchmarks.support import phantom_pretraining
from benchmarks.support.image_views import ViewStore
from benchmarks.support.phantom_pretraining import (
    LABELS,
    LEAST_LUNG,
    SLICES,
    SPACING_MM,
    phantom_images,
    phantom_weights,
    windowed,
)
from client.learning.site import Site
from preprocessing.phantom.acquisition import simulate_scan
from tests.support.small_phantoms import COARSE_SCANNERS


def test_phantoms_are_published_as_slices_that_show_their_disease(monkeypatch) -> None:
    many = phantom_images(5, jobs=1, scanners=COARSE_SCANNERS)
    monkeypatch.setattr(phantom_pretraining, "LEAST_INFECTED", 0.35)
    images = phantom_images(5, jobs=1, scanners=COARSE_SCANNERS)
    assert {i.name for i in images if not i.covid} == {i.name for i in many if not i.covid}
    assert 0 < len(images) < len(many)
    assert {i.patient: i.covid for i in images} == {"0": True, "1": False, "2": True, "3": False, "4": False}
    for number, label in enumerate(LABELS):
        own = [i for i in images if i.patient == str(number)]
        scanner = replace(COARSE_SCANNERS[0], spacing_mm=SPACING_MM)
        scan = simulate_scan(label, scanner, (phantom_pretraining.SEED, number))
        assert 0 < len(own) <= SLICES
        for one in own:
            place = int(one.name.split("-")[1])
            lung = scan.lungs[place] > 0
            # Grey levels rise with Hounsfield units, lung and tissue apart.
            assert np.corrcoef(one.pixels.ravel(), scan.hu[place].ravel().clip(-1200, 0))[0, 1] > 0.95
            assert lung.sum() > LEAST_LUNG * max((plane > 0).sum() for plane in scan.lungs)
            assert label != "covid" or scan.infection[place][lung].mean() > 0.35


def test_phantoms_do_not_depend_on_who_makes_them() -> None:
    alone, shared = (phantom_images(3, jobs=jobs, scanners=COARSE_SCANNERS) for jobs in (1, 2))
    assert [i.name for i in alone] == [i.name for i in shared]
    assert all(np.array_equal(a.crop, b.crop) for a, b in zip(alone, shared, strict=True))


def test_a_lung_window_has_its_level_at_mid_grey() -> None:
    hu = np.array([[-3000, -1500, -720, -600, -480, 400, 3000]], np.float32)
    for seed in range(20):
        grey = windowed(hu, np.random.default_rng(seed))[0].tolist()
        assert grey == sorted(grey) and grey[0] == 0 and grey[-1] == 255
        assert grey[2] <= 127 <= grey[4]  # the level lies between -720 and -480
        # 120 HU are 255 * 120 / width: 17 grey levels at 1800, 25 at 1200
        assert all(17 - 1 <= b - a <= 25 + 1 for a, b in pairwise(grey[2:5]))


def test_the_start_is_what_one_site_learned_from_phantoms(monkeypatch, initial) -> None:
    monkeypatch.setattr(phantom_pretraining, "SCANS", 5)
    monkeypatch.setattr(phantom_pretraining, "PASSES", 1)
    monkeypatch.setattr(phantom_pretraining, "ROUNDS", 1)
    coarse = partial(phantom_images, scanners=COARSE_SCANNERS)
    monkeypatch.setattr(phantom_pretraining, "phantom_images", coarse)
    study, images = phantom_pretraining.phantom_study(), coarse(5, jobs=1)
    site = Site(ViewStore(images), study, role="training", count_floor=1)
    by_hand = initial | site.train(initial, stage=0, round=1).weights
    start = phantom_weights(jobs=1)
    assert start.keys() == {name for name in initial if name.startswith("covid/")}
    assert all(np.array_equal(start[name], by_hand[name]) for name in start)
    assert any(not np.array_equal(start[name], initial[name]) for name in start)
