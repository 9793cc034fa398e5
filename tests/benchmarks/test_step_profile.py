"""benchmarks/step_profile.py: the time of a step by operation."""

import pytest
import torch

from benchmarks.step_profile import KINDS, profile_of


def test_a_profile_adds_up_and_knows_convolutions() -> None:
    layer = torch.nn.Conv2d(8, 8, 3)
    images = torch.randn(4, 8, 64, 64)
    found = profile_of(lambda: layer(images).relu().sum().backward())
    parts = [found[kind] for kind in (*KINDS, "other")]
    assert sum(parts) == pytest.approx(found["all"]) and min(parts) >= 0
    assert found["convolution"] > 0 and found["convolution_backward"] > 0 and found["relu"] > 0
    assert found["max_pool"] == 0
