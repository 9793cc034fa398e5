"""benchmarks/support/network_comparison.py: both networks compute the same."""

from pathlib import Path

import torch

from benchmarks.support.network_comparison import Comparison
from shared_model.networks import LobeNetwork
from tests.support.stores import disk_store, scan_of


def test_both_networks_agree_and_each_is_timed(tmp_path: Path, monkeypatch) -> None:
    store = disk_store(tmp_path / "store", [scan_of(f"{n:016x}", "covid", slices=3) for n in range(2)])
    comparison = Comparison(store, 1 / 16, torch.device("cpu"), torch.float32)
    skipping = []
    extract = LobeNetwork.extract
    monkeypatch.setattr(LobeNetwork, "extract", lambda *a, **how: skipping.append(a[0]) or extract(*a, **how))
    figures = comparison.measure(1)
    assert figures["difference"] < 1e-6
    assert min(figures["train_ratio"], figures["inference_ratio"], figures["loader_ratio"]) > 0
    most = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) * 1024 / 1e9
    assert 0.1 < figures["peak_gb"] <= 1.01 * most  # the kernel counts both in batches
    assert skipping and not any(network in comparison.plain.values() for network in skipping)
