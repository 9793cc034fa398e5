"""Inference in batches against the networks' forward pass over all lobes at once."""

import pytest
import torch

import client.learning.lobe_inference
from client.learning.lobe_inference import decide, extract_batches, group_by_extractor, inference_batches
from client.learning.lobe_tensors import LobeTensors
from tests.support.initial_weights import initial_networks
from tests.support.small_study import STUDY
from tests.support.stores import MemoryStore, scan_of

CONFIG = STUDY.network


@pytest.mark.parametrize("lobes", [0, 1, 32, 33, 64])
def test_batches_cover_each_lobe_once_in_order(lobes):
    batches = inference_batches(lobes)
    assert [lobe for batch in batches for lobe in batch] == list(range(lobes))
    assert all(0 < len(batch) <= 32 for batch in batches)


@pytest.mark.parametrize("task, fine", [("diseased", True), ("diseased", False), ("covid", False)])
def test_batches_give_what_one_forward_pass_gives(monkeypatch, task, fine):
    monkeypatch.setattr(client.learning.lobe_inference, "LOBES_PER_BATCH", 3)
    network = initial_networks(CONFIG, STUDY.seed)[task].train()
    store = MemoryStore([scan_of("a", "covid", slices=4)])
    found, tensors = [], []
    for batch, lobes, features in extract_batches(
        network, lambda lobes: store.read("a", lobes), 8, dtype=torch.float32, fine=fine
    ):
        assert len(batch) == len(lobes)
        tensors.append(lobes)
        found.append(decide(network, features, dtype=torch.float32, fine=fine))
    assert [len(lobes) for lobes in tensors] == [3, 3, 2]
    whole = LobeTensors.from_arrays(store.read("a", range(8)), torch.device("cpu"))
    assert torch.equal(torch.cat([lobes.images for lobes in tensors]), whole.images)
    with torch.no_grad():
        expected = network.eval()(whole.images, whole.distance, fine=fine)
    for name in ("lobe", "attention", "patch", "fine"):
        parts, wanted = [getattr(output, name) for output in found], getattr(expected, name)
        assert (parts[0] is None) == (wanted is None), name
        if wanted is not None:
            torch.testing.assert_close(torch.cat(parts), wanted, rtol=1e-4, atol=1e-5, msg=name)
    assert not any(output.lobe.requires_grad for output in found)


def test_networks_with_equal_extractors_share_features():
    networks = initial_networks(CONFIG, STUDY.seed)
    assert group_by_extractor(networks) == [("diseased",), ("covid",)]
    networks["covid"].patch_features.load_state_dict(networks["diseased"].patch_features.state_dict())
    assert group_by_extractor(networks) == [("diseased", "covid")]
