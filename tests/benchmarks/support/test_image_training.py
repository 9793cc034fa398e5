"""benchmarks/support/image_training.py: training is the product's own."""

import numpy as np

from benchmarks.support import image_training
from benchmarks.support.image_training import learn, pooled_study
from benchmarks.support.image_views import ViewStore
from client.learning.site import Site
from tests.support.published_images import patients


def test_learning_is_the_sites_own_round_after_round(monkeypatch, initial) -> None:
    monkeypatch.setattr(image_training, "PASSES", 2)
    monkeypatch.setattr(image_training, "POOLED_ROUNDS", 2)
    study, images = pooled_study(), patients(6, most=1)
    start = {name: array + 0.01 for name, array in initial.items() if name.startswith("covid/")}
    began = by_hand = initial | start
    site = Site(ViewStore(images), study, role="training", count_floor=1)
    for round_number in (1, 2):
        by_hand = by_hand | site.train(by_hand, stage=0, round=round_number).weights
    learned = learn([images], study, start)
    assert learned.keys() == by_hand.keys()
    assert all(np.array_equal(learned[name], by_hand[name]) for name in learned)
    moved = {name.split("/")[0] for name in learned if not np.array_equal(learned[name], began[name])}
    assert moved == {"covid"}
