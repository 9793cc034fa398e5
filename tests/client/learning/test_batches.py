"""Which lobes a round's batches hold, and that reading them changes nothing."""

import dataclasses
import itertools
from collections import Counter

import numpy as np
import pytest
import torch

from client.learning.batches import Batch, draw_batches, draw_scan_bag, read_batches
from client.learning.lobe_tensors import LobeTensors
from shared_model.study_stage import StageConfig
from tests.support.stores import MemoryStore, scan_of

CPU = torch.device("cpu")
STAGE = StageConfig(name="s", networks=("covid",), rounds=1, scans_per_batch=3, lobes_per_scan=2)
RECORDS = [scan_of(f"n{i}", ("covid", "healthy")[i % 2], slices=4)[0] for i in range(7)]


def keys_of(batches) -> list[list[str]]:
    return [[bag.scan.key for bag in bags] for bags in batches]


def test_each_pass_has_every_scan_once_in_an_order_of_its_own():
    stage = STAGE.model_copy(update={"epochs": 2.0})
    keys = sum(keys_of(draw_batches(RECORDS, stage, (0,))), [])
    assert sorted(keys[:7]) == sorted(keys[7:]) == sorted(scan.key for scan in RECORDS)
    assert keys[:7] != keys[7:]


@pytest.mark.parametrize("scans, sizes", [(7, [2, 3, 2]), (6, [3, 3]), (4, [2, 2]), (1, [1])])
def test_the_batches_of_a_pass_are_of_nearly_equal_size(scans, sizes):
    assert list(map(len, draw_batches(RECORDS[:scans], STAGE, (0,)))) == sizes


@pytest.mark.parametrize("epochs, expected", [(0.5, 4), (0.01, 2), (1.3, 7 + 2), (1.01, 7 + 1)])
def test_a_part_of_a_pass_has_that_part_of_the_scans_and_a_round_two_batches(epochs, expected):
    stage = STAGE.model_copy(update={"epochs": epochs, "scans_per_batch": 1})
    keys = sum(keys_of(draw_batches(RECORDS, stage, (0,))), [])
    assert len(keys) == expected and max(Counter(keys).values()) <= np.ceil(epochs)


def test_a_short_round_has_scans_of_enough_patients_of_each_label():
    """Nine scans of three patients of one label, and six of six of another."""
    one = [scan_of(f"a{i}", "covid", slices=4, fold=0.01 * (i // 3))[0] for i in range(9)]
    other = [scan_of(f"b{i}", "healthy", slices=4, fold=0.5 + 0.01 * i)[0] for i in range(6)]
    stage = STAGE.model_copy(update={"epochs": 0.01, "scans_per_batch": 1})
    for least, seed in itertools.product((1, 2, 3, 5), range(5)):
        keys = sum(keys_of(draw_batches([*one, *other], stage, (seed,), least)), [])
        for scans, there in ((one, 3), (other, 6)):
            patients = {scan.fold for scan in scans if scan.key in keys}
            assert len(patients) >= min(least, there)
        assert len(keys) <= 2 + 9 + least if least > 3 else len(keys) <= 2 + 7 + least


@pytest.mark.parametrize("epochs", [0.01, 0.4, 1.0, 1.3, 3.0])
@pytest.mark.parametrize("scans", [1, 2, 5, 7])
def test_the_number_of_batches_can_be_told_beforehand(epochs, scans):
    stage = STAGE.model_copy(update={"epochs": epochs, "scans_per_batch": 2})
    assert stage.batches(scans) == len(draw_batches(RECORDS[:scans], stage, (0,)))


def test_a_draw_depends_on_seed_and_keys_alone():
    drawn = draw_batches(RECORDS, STAGE, (1, "covid"))
    again = draw_batches(RECORDS[::-1], STAGE, (1, "covid"))
    assert keys_of(drawn) == keys_of(again)
    assert [bag.lobes for bags in drawn for bag in bags] == [bag.lobes for bags in again for bag in bags]
    others = [draw_batches(RECORDS, STAGE, parts) for parts in ((2, "covid"), (1, "diseased"))]
    assert all(keys_of(other) != keys_of(drawn) for other in others)
    fewer = {
        bag.scan.key: bag.lobes for bags in draw_batches(RECORDS[:3], STAGE, (1, "covid")) for bag in bags
    }
    for bag in sum(drawn, []):
        assert fewer.get(bag.scan.key, bag.lobes) == bag.lobes  # other scans change nothing


def test_each_pass_draws_other_lobes_of_a_scan():
    stage = STAGE.model_copy(update={"epochs": 8.0})
    bags = sum(draw_batches(RECORDS[:1], stage, (1, "covid")), [])
    assert [bag.seed_parts for bag in bags] == [(1, "covid", epoch) for epoch in range(8)]
    assert [bag.lobes for bag in bags] == [
        draw_scan_bag(RECORDS[0], STAGE, (1, "covid", epoch)).lobes for epoch in range(8)
    ]
    assert len({bag.lobes for bag in bags}) > 1


def test_without_jitter_every_seed_draws_the_same_lobes():
    still = STAGE.model_copy(update={"jitter": False})
    assert draw_scan_bag(RECORDS[0], still, (1,)).lobes == draw_scan_bag(RECORDS[0], still, (2,)).lobes
    jittered = {draw_scan_bag(RECORDS[0], STAGE, (seed,)).lobes for seed in range(20)}
    assert len(jittered) > 1


@pytest.mark.parametrize("scans", [0, 1, 7])
def test_reading_gives_the_stores_lobes_in_the_order_drawn(scans):
    store = MemoryStore([scan_of(record.key, record.label, slices=4) for record in RECORDS[:scans]])
    drawn = draw_batches(store.scans(), STAGE, (0,)) if scans else []
    batches = list(read_batches(store, drawn, CPU))
    assert [list(batch.keys) for batch in batches] == keys_of(drawn)
    for batch, bags in zip(batches, drawn, strict=True):
        assert batch.labels == tuple(bag.scan.label for bag in bags) and batch.scans == len(bags)
        for place, bag in enumerate(bags):
            arrays, own = store.read(bag.scan.key, bag.lobes), slice(2 * place, 2 * place + 2)
            for field in dataclasses.fields(LobeTensors):
                tensor = getattr(batch.lobes, field.name)[own]
                np.testing.assert_array_equal(tensor.numpy(), getattr(arrays, field.name))


def test_an_error_while_reading_ahead_is_raised():
    store = MemoryStore([scan_of("a", "covid", slices=1)])
    drawn = draw_batches([*store.scans(), RECORDS[0]], STAGE.model_copy(update={"scans_per_batch": 1}), (0,))
    with pytest.raises(KeyError):
        list(read_batches(store, drawn, CPU))


def test_values_of_scans_are_repeated_for_their_lobes():
    flat = torch.zeros(6, 1)
    batch = Batch(LobeTensors(flat, flat, flat, flat), ("covid", "healthy", "other"), ("a", "b", "c"))
    diseased = batch.has_label("covid", "other")
    assert diseased.tolist() == [True, False, True]
    assert batch.repeat_per_lobe(diseased).tolist() == [True, True, False, False, True, True]
