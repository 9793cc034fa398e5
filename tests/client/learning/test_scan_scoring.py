"""Decisions on whole scans against the networks' forward pass over all lobes at once."""

import numpy as np
import pytest
import torch

import client.learning.lobe_inference
from client.learning.frozen_features import FrozenFeatures
from client.learning.lobe_tensors import LobeTensors
from client.learning.scan_scoring import ScanScorer
from shared_model.constants import TASKS
from shared_model.errors import PneumofedError
from tests.support.initial_weights import initial_networks
from tests.support.small_study import STUDY
from tests.support.stores import MemoryStore, scan_of

SCANS = [scan_of("a", "covid", slices=4), scan_of("b", "healthy", slices=3), scan_of("c", "other", slices=6)]
FLOAT32 = torch.float32


@pytest.fixture
def networks():
    return initial_networks(STUDY.network, STUDY.seed)


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr(client.learning.lobe_inference, "LOBES_PER_BATCH", 3)


def forward(networks, store, scan):
    """Each network's output over all lobes of a scan in one batch, convolving the whole crop."""
    lobes = LobeTensors.from_arrays(store.read(scan.key, range(len(scan.side))), torch.device("cpu"))
    with torch.no_grad():
        return {task: network.eval()(lobes.images, lobes.distance) for task, network in networks.items()}


@pytest.mark.parametrize("features", ["of two extractors", "of one extractor", "frozen"])
def test_decisions_are_those_of_the_forward_pass_in_the_records_order(networks, features):
    store = MemoryStore(SCANS)
    frozen = None
    if features != "of two extractors":
        extractor = networks["diseased"].patch_features
        networks["covid"].patch_features.load_state_dict(extractor.state_dict())
    if features == "frozen":
        frozen = FrozenFeatures(networks["covid"], store, store.scans(), FLOAT32)
    scorer = ScanScorer(networks, store, FLOAT32, frozen)
    scans = store.scans()
    for scan, found in zip(scans, scorer.decide([(scan, TASKS) for scan in scans]), strict=True):
        expected = forward(networks, store, scan)
        assert found.scan is scan and found.logits.keys() == set(TASKS)
        for task in TASKS:
            np.testing.assert_allclose(found.logits[task], expected[task].lobe, rtol=1e-4, atol=1e-5)
        infected, clean = expected["diseased"].patch[:, 1].exp(), expected["diseased"].patch[:, 0].exp()
        np.testing.assert_allclose(found.infection, infected / (infected + clean), rtol=1e-4, atol=1e-5)
        # Coarse patch (r, c) sees pixels [8r - 14, 8r + 22) x [8c - 14, 8c + 22) (2.4); here all is lung.
        assert found.patch_in_lobe.shape == (len(scan.side), 32, 32) and found.patch_in_lobe.all()


def test_patches_in_the_lobe_are_those_that_see_a_pixel_of_it(networks):
    record, arrays = scan_of("m", "covid", slices=1)
    arrays.mask[:] = False
    arrays.mask[0, 61:150, 90:201] = True
    store = MemoryStore([(record, arrays)])
    (found,) = ScanScorer(networks, store, FLOAT32).decide([(record, TASKS)])
    seen = [
        [8 * r - 14 < 150 and 8 * r + 22 > 61 and 8 * c - 14 < 201 and 8 * c + 22 > 90 for c in range(32)]
        for r in range(32)
    ]
    assert found.patch_in_lobe[0].tolist() == seen and not found.patch_in_lobe[1].any()


def test_only_the_networks_asked_for_decide(networks):
    store = MemoryStore(SCANS)
    a, b, _ = store.scans()
    first, second = ScanScorer(networks, store, FLOAT32).decide([(b, ["diseased"]), (a, ["covid"])])
    assert (first.scan, set(first.logits)) == (b, {"diseased"}) and first.infection is not None
    assert (second.scan, set(second.logits)) == (a, {"covid"}) and second.infection is None


class CountingStore(MemoryStore):
    """Knows which lobes were read."""

    def __init__(self) -> None:
        super().__init__(SCANS)
        self.read_lobes: list[tuple[str, int]] = []

    def read(self, key, lobes):
        self.read_lobes += [(key, lobe) for lobe in lobes]
        return super().read(key, lobes)


def test_each_lobe_is_read_once_for_both_networks_and_none_that_is_known(networks):
    store = CountingStore()
    scans = store.scans()
    list(ScanScorer(networks, store, FLOAT32).decide([(scan, TASKS) for scan in scans]))
    assert store.read_lobes == [(scan.key, lobe) for scan in scans for lobe in range(len(scan.side))]

    frozen = FrozenFeatures(networks["diseased"], store, scans[:1], FLOAT32)
    frozen.read(scans[0], [0])
    store.read_lobes.clear()
    scorer = ScanScorer(networks, store, FLOAT32, frozen)
    list(scorer.decide([(scans[0], ["diseased"]), (scans[1], ["diseased"]), (scans[0], ["covid"])]))
    assert {key for key, _ in store.read_lobes} == {"a", "b"} and len(store.read_lobes) == 6 + 8


def test_a_damaged_scan_is_told(networks):
    class DamagedStore(MemoryStore):
        def read(self, key, lobes):
            if key == "b":
                raise PneumofedError("store-damaged", "scan b is damaged")
            return super().read(key, lobes)

    store = DamagedStore(SCANS)
    found = ScanScorer(networks, store, FLOAT32).decide([(scan, TASKS) for scan in store.scans()])
    assert next(found).scan.key == "a"
    with pytest.raises(PneumofedError) as caught:
        next(found)
    assert caught.value.code == "store-damaged"
