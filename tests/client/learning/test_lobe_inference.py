"""Inference in batches against the networks' forward pass over all lobes at once."""

from dataclasses import replace

import pytest
import torch

import client.learning.lobe_inference
from client.learning.lobe_inference import (
    decide,
    extract,
    extract_batches,
    group_by_extractor,
    inference_batches,
)
from client.learning.lobe_tensors import LobeTensors
from tests.support.float_types import no_bfloat16_in
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
        found.append(decide(network, features, fine=fine))
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


def test_only_features_are_bfloat16_and_decisions_on_them_are_those_of_float32():
    """The deciders' output is that of widened features to the bit; logits are near the exact ones."""
    networks = initial_networks(CONFIG.model_copy(update={"dropout": 0.0}), STUDY.seed)
    store = MemoryStore([scan_of("a", "covid", slices=4)])
    lobes = LobeTensors.from_arrays(store.read("a", range(8)), torch.device("cpu"))
    for network in networks.values():
        features = extract(network, lobes, dtype=torch.bfloat16, fine=True)
        assert features.patches.dtype == torch.bfloat16
        wide = replace(
            features,
            patches=features.patches.float(),
            pfe1=features.pfe1.float(),
            pfe2=features.pfe2.float(),
        )
        exact = decide(network, extract(network, lobes, dtype=torch.float32, fine=True), fine=True)
        with no_bfloat16_in(network):
            found = decide(network, features, fine=True)
        expected = decide(network, wide, fine=True)
        for name in ("lobe", "attention", "patch", "fine"):
            if getattr(expected, name) is not None:
                assert torch.equal(getattr(found, name), getattr(expected, name)), name
        # Weights and activations of eight convolutions are rounded to 8 bits.
        assert (found.lobe - exact.lobe).abs().max() <= 0.02


def test_a_logit_far_from_zero_is_not_rounded_to_bfloat16():
    """Of 40.1 bfloat16 knows only 40 and 40.25: a trained network's logits were off by up to half a step."""
    network = initial_networks(CONFIG, STUDY.seed)["covid"]
    store = MemoryStore([scan_of("a", "covid", slices=2)])
    lobes = LobeTensors.from_arrays(store.read("a", range(4)), torch.device("cpu"))
    features = extract(network, lobes, dtype=torch.bfloat16)
    before = decide(network, features).lobe
    with torch.no_grad():
        network.lobe[-1].bias += 40
    after = decide(network, features).lobe
    torch.testing.assert_close(after - before, torch.full((4,), 40.0), rtol=0, atol=1e-5)
