"""benchmarks/support/phantom_baselines.py on figures worked out by hand."""

import math

import numpy as np
import pytest
import torch

from benchmarks.support.phantom_baselines import THRESHOLDS, Scan, cnn_auc, intensity_auc, truth_features


def scan(label: str, bright: float, lobes: torch.Tensor | None = None) -> Scan:
    given = torch.zeros(1, 3, 64, 64) if lobes is None else lobes
    return Scan(label, given, np.full(len(THRESHOLDS), bright))


def test_the_truth_is_told_relative_to_the_lungs(tmp_path) -> None:
    lungs = np.zeros((4, 48, 48), np.uint8)
    lungs[:, 4:44, 4:24], lungs[:, 4:44, 24:44] = 1, 2
    infection = (lungs == 1) & (np.arange(4) < 2)[:, None, None]  # the right lung's lower half
    np.savez(tmp_path / "truth.npz", lungs=lungs, infection=infection)
    low = (0.5 - 1.5) / math.sqrt(1.25)  # slices 0 and 1 of 0 to 3
    np.testing.assert_allclose(
        truth_features(tmp_path / "truth.npz"), [0, 0.5, 0, 0, 1, 1, low, 0], rtol=0, atol=1e-6
    )
    np.savez(tmp_path / "none.npz", lungs=lungs, infection=np.zeros_like(infection))
    assert not truth_features(tmp_path / "none.npz").any()


def test_the_direction_of_intensity_comes_from_training_scans() -> None:
    train = [scan("covid", 0.1), scan("covid", 0.2), scan("other", 0.3), scan("healthy", 0.9)]
    alike, contrary = [scan("covid", 0), scan("other", 1)], [scan("covid", 1), scan("other", 0)]
    assert intensity_auc("covid", train, alike) == 1
    assert intensity_auc("covid", train, contrary) == 0


def test_the_cnn_learns_a_bright_square_in_some_lobes(monkeypatch) -> None:
    monkeypatch.setattr("benchmarks.support.phantom_baselines.STEPS", 40)
    draw = torch.Generator().manual_seed(0)

    def made(label: str) -> Scan:
        lobes = 0.2 * torch.rand(10, 3, 64, 64, generator=draw)
        if label == "covid":
            lobes[:5, :, 20:40, 20:40] += 0.6
        return scan(label, 0, lobes)

    scans = [made(label) for label in ("covid", "healthy") * 12]
    assert cnn_auc("diseased", scans[:16], scans[16:]) == pytest.approx(1)
