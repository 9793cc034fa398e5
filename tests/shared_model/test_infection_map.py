"""The infection map against its definition, pixel by pixel."""

import numpy as np
import torch

from shared_model.infection_map import InfectedVolume, infection_map
from shared_model.networks import LobeOutput
from tests.reference import scan as literal


def test_the_infection_map_is_both_maps_inside_the_lobe() -> None:
    generator = torch.Generator().manual_seed(4)
    patch, fine = (
        torch.randn(2, 2, n, n, generator=generator) - torch.tensor([0, 2.0])[:, None, None]
        for n in (32, 128)
    )
    mask = torch.rand(2, 256, 256, generator=generator) < 0.8
    output = LobeOutput(torch.zeros(2), torch.zeros(2, 32, 32), patch, fine)
    ours = infection_map(output, mask)
    assert 0 < ours.sum() < mask.sum()
    for i in range(2):
        coarse = literal.pixel_map(patch[i].softmax(0)[1].tolist(), 32, 36, 8, 14)
        finer = literal.pixel_map(fine[i].softmax(0)[1].tolist(), 128, 6, 2, 2)
        expected = (np.array(coarse) > 0.5) & (np.array(finer) > 0.5) & mask[i].numpy()
        np.testing.assert_array_equal(ours[i].numpy(), expected)


def test_a_share_that_rounds_to_more_than_all_is_all():
    assert InfectedVolume(0.1 + 0.2, 0.3).percent == 100.0
    assert 100 * (0.1 + 0.2) / 0.3 > 100
