"""benchmarks/support/image_views.py: the augmented views of an image."""

import cv2
import numpy as np

from benchmarks.support.image_training import federated_study
from benchmarks.support.image_views import EDGE, ViewStore, as_in_lobes, view
from benchmarks.support.published_crop import LUNG, TISSUE
from shared_model.constants import FULL_SCALE
from tests.support.published_images import image


def test_views_stray_a_little_and_are_told_by_their_numbers() -> None:
    store = ViewStore([image("a.png", "p", True), image("b.png", "p", True)])
    first = store.read("a.png", [3, 4])
    assert first.images.shape == (2, 3, EDGE, EDGE) and first.images.dtype == np.uint16
    assert first.images.max() <= FULL_SCALE and not first.semi_infection.any()
    assert first.distance.dtype == np.uint8 and not first.distance[~first.mask].any()
    # A lung is some 120 of 300 mm wide: its middle lies 60 mm, 80 pixels of a lobe, from the periphery.
    assert 60 < first.distance.max() < 110
    np.testing.assert_array_equal(first.images[:, 0], first.images[:, 2])
    np.testing.assert_array_equal(store.read("a.png", [4]).images, first.images[1:])
    assert (store.read("b.png", [4]).images != first.images[1:]).any()
    crop = cv2.resize(image("a.png", "p", True).crop, (EDGE, EDGE), interpolation=cv2.INTER_AREA)
    lungs = crop < (LUNG + TISSUE) / 2
    views = [view(crop, lungs, np.random.default_rng(i)) for i in range(40)]
    for values, mask in views:
        assert ((values < as_in_lobes(np.array([(LUNG + TISSUE) / 2]))) == mask).mean() > 0.95
    seen = np.mean([values for values, _ in views], axis=0)
    mirrored = (crop.astype(float) + crop[:, ::-1]) / 2
    assert np.corrcoef(seen.ravel(), mirrored.ravel())[0, 1] > 0.85


def test_lung_and_tissue_are_where_lobes_have_them() -> None:
    assert as_in_lobes(np.array([LUNG, TISSUE, (LUNG + TISSUE) / 2, 0, 255])).tolist() == [
        180, 1050, 615, 0, 1552
    ]  # fmt: skip


def test_scans_carry_labels_of_the_covid_network_and_are_all_for_training() -> None:
    scans = ViewStore([image("b.png", "p", False), image("a.png", "q", True)]).scans()
    assert [(s.key, s.label) for s in scans] == [("a.png", "covid"), ("b.png", "other")]
    assert all(federated_study().split.part_of(s.fold) == "train" for s in scans)
