"""What benchmarks/network.py races is the same arithmetic."""

from pathlib import Path

import torch

from benchmarks.network import Comparison
from shared_model.networks import LobeNetwork
from tests.end_to_end.stores import disk_store, scan_of


def test_both_ways_say_the_same_and_each_is_timed(tmp_path: Path, monkeypatch) -> None:
    store = disk_store(tmp_path / "store", [scan_of(f"{n:016x}", "covid", slices=3) for n in range(2)])
    comparison = Comparison(store, 1 / 16, torch.device("cpu"), torch.float32)
    skipping = []
    see = LobeNetwork.see
    monkeypatch.setattr(LobeNetwork, "see", lambda *a, **how: skipping.append(a[0]) or see(*a, **how))
    figures = comparison.measure(1)
    assert figures["difference"] < 1e-6
    assert min(figures["train_ratio"], figures["inference_ratio"], figures["loader_ratio"]) > 0
    assert skipping and not any(network in comparison.plain.values() for network in skipping)
