"""Frozen features: computed once, equal to features computed each time, whatever happened before."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest
import torch

import client.learning.frozen_features
from client.learning.batches import draw_batches, frozen_feature_batches, read_batches
from client.learning.frozen_features import FrozenFeatures
from client.learning.site import Site
from client.learning.stage_loss import stage_loss
from client.learning.training_context import TrainingContext
from shared_model.errors import PneumofedError
from shared_model.initial_weights import start_from_patches
from shared_model.study_stage import StageConfig
from shared_model.weights import Weights
from tests.support.initial_weights import initial_networks, initial_weights
from tests.support.small_study import STUDY as TWO_STAGES
from tests.support.stores import MemoryStore, scan_of

CPU = torch.device("cpu")
DECISION = StageConfig(
    name="decision",
    networks=("diseased", "covid"),
    part="decision",
    start_from_patches=True,
    rounds=3,
    scans_per_batch=2,
    lobes_per_scan=3,
    learning_rate=1e-3,
    patch_weight=1.0,
)
STUDY = TWO_STAGES.model_copy(update={"stages": (DECISION,)})

WEIGHTS = start_from_patches(initial_weights(STUDY), DECISION.networks, STUDY)
SCANS = [
    *(scan_of(f"s{i}", ("covid", "other", "healthy")[i % 3], slices=4) for i in range(5)),
    scan_of("v", "other", fold=0.85),
    scan_of("t", "other", fold=0.95),
]


class CountingStore(MemoryStore):
    """Knows how often each scan's lobes were read."""

    def __init__(self) -> None:
        super().__init__(SCANS)
        self.lobes_read = dict.fromkeys(self.by_key, 0)

    def read(self, key, lobes):
        self.lobes_read[key] += len(list(lobes))
        return super().read(key, lobes)


def site(scratch: Path | None = None) -> Site:
    return Site(CountingStore(), STUDY, role="training", count_floor=1, scratch=scratch)


@pytest.mark.parametrize("patches", ["crop", "lobe"])
def test_the_loss_and_its_gradients_are_those_of_the_images(patches):
    stage = DECISION.model_copy(update={"patches": patches})
    network = initial_networks(STUDY.network.model_copy(update={"dropout": 0.0}), 4)["diseased"].train()
    context = TrainingContext("diseased", stage, torch.float32)
    store = MemoryStore(SCANS)
    drawn = draw_batches(store.scans(), DECISION, (0,))
    features = FrozenFeatures(network, store, store.scans(), torch.float32)
    for seen, shown in zip(
        frozen_feature_batches(features, drawn), read_batches(store, drawn, CPU), strict=True
    ):
        assert seen.labels == shown.labels
        found = []
        for batch in (seen, shown):
            network.zero_grad()
            loss = stage_loss(network, batch, context)
            loss.backward()
            found.append([loss, *(p.grad for p in network.lobe.parameters())])
            assert any((p.grad != 0).any() for p in network.vicinity_features.parameters())
        for a, b in zip(*found, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)


def test_training_and_validation_read_each_scan_once():
    hospital = site()
    for round in (1, 2):
        hospital.train(WEIGHTS, stage=0, round=round)
        hospital.evaluate(WEIGHTS, split="validation")
    read = hospital.store.lobes_read
    assert {key: read[key] for key in ("s0", "s1", "s2", "s3", "s4", "v", "t")} == {
        **{f"s{i}": 8 for i in range(5)},
        "v": 10,
        "t": 0,
    }


def test_a_restart_changes_no_bit():
    steady, restarted = site(), site()
    after_one = WEIGHTS | steady.train(WEIGHTS, stage=0, round=1).weights
    steady.evaluate(after_one, split="validation")
    expected = steady.train(after_one, stage=0, round=2).weights
    found = restarted.train(after_one, stage=0, round=2).weights
    assert found.keys() == expected.keys()
    assert all((found[name] == array).all() for name, array in expected.items())
    assert restarted.evaluate(after_one, split="validation").to_json() == (
        site().evaluate(after_one, split="validation").to_json()
    )


def test_other_features_are_not_taken_for_these():
    hospital = site()
    hospital.train(WEIGHTS, stage=0, round=1)
    moved = {
        name: array * np.float32(1.1) if "/patch_features." in name else array
        for name, array in WEIGHTS.items()
    }
    measured = hospital.evaluate(moved, split="validation").to_json()
    assert measured == site().evaluate(moved, split="validation").to_json()
    assert measured != hospital.evaluate(WEIGHTS, split="validation").to_json()


def test_features_that_do_not_fit_in_memory_are_on_disk_and_change_no_bit(monkeypatch, tmp_path):
    def trained(hospital: Site) -> tuple[Weights, str]:
        after_one = WEIGHTS | hospital.train(WEIGHTS, stage=0, round=1).weights
        validation = hospital.evaluate(after_one, split="validation").to_text()
        return hospital.train(after_one, stage=0, round=2).weights, validation

    expected, scores = trained(site())
    monkeypatch.setattr(client.learning.frozen_features, "MAX_BYTES", 1000)
    hospital = site(scratch=tmp_path)
    found, found_scores = trained(hospital)
    assert found_scores == scores and found.keys() == expected.keys()
    assert all((found[name] == array).all() for name, array in expected.items())
    assert hospital.store.lobes_read["s0"] == 8  # once
    assert list(tmp_path.iterdir()) == []


def test_a_disk_without_room_for_the_features_ends_the_round(monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(client.learning.frozen_features, "MAX_BYTES", 1000)
    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(PneumofedError) as caught:
        site().train(WEIGHTS, stage=0, round=1)
    assert caught.value.code == "disk-full"
