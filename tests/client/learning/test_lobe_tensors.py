"""Lobes as tensors, against the arrays they come from and patches counted by hand."""

import numpy as np
import torch

from client.learning.lobe_tensors import ExtractedLobes, LobeTensors
from preprocessing.store.scan_record import LobeArrays
from shared_model.networks import LobeFeatures

CPU = torch.device("cpu")


def arrays_of(mask: np.ndarray, semi: np.ndarray) -> LobeArrays:
    """Lobes whose images count up through all grey values."""
    images = (np.arange(len(mask) * 3 * 256 * 256) % 2049).astype(np.uint16).reshape(-1, 3, 256, 256)
    return LobeArrays(images, mask, np.full(mask.shape, 200, np.uint8), semi)


def test_all_values_arrive_as_they_are():
    mask = np.zeros((2, 256, 256), np.bool_)
    mask[:, 10:90, 20:70] = True
    arrays = arrays_of(mask, ~mask)
    tensors = LobeTensors.from_arrays(arrays, CPU)
    assert len(tensors) == 2 and tensors.device == CPU
    assert tensors.images.dtype == torch.float32 and tensors.images.max() == 2048
    assert tensors.images.is_contiguous(memory_format=torch.channels_last)
    np.testing.assert_array_equal(tensors.images.numpy(), arrays.images)
    np.testing.assert_array_equal(tensors.distance.numpy(), arrays.distance)
    np.testing.assert_array_equal(tensors.mask.numpy(), arrays.mask)
    np.testing.assert_array_equal(tensors.semi_infection.numpy(), arrays.semi_infection)


def test_coarse_patches_are_counted_pixel_by_pixel():
    """Coarse patch (r, c) covers [8r - 14, 8r + 22) x [8c - 14, 8c + 22) of the crop."""
    mask, semi = np.zeros((1, 256, 256), np.bool_), np.zeros((1, 256, 256), np.bool_)
    mask[0, 61:150, 90:201] = True
    semi[0, 70:85, 100:103] = True
    tensors = LobeTensors.from_arrays(arrays_of(mask, semi), CPU)

    def patch(field: np.ndarray, row: int, column: int) -> np.ndarray:
        padded = np.pad(field[0], 14)
        return padded[8 * row : 8 * row + 36, 8 * column : 8 * column + 36]

    shares = [[patch(semi, r, c).sum() / 36**2 for c in range(32)] for r in range(32)]
    inside = [[bool(patch(mask, r, c).any()) for c in range(32)] for r in range(32)]
    np.testing.assert_allclose(tensors.semi_infected_share[0].numpy(), shares, atol=1e-6)
    assert tensors.patch_in_lobe.dtype == torch.bool and tensors.patch_in_lobe[0].tolist() == inside


def extracted(numbers: list[int]) -> ExtractedLobes:
    """Lobe i holds the number i everywhere."""
    values = torch.tensor(numbers, dtype=torch.float32).view(-1, 1, 1)
    return ExtractedLobes(LobeFeatures(values + 100, values + 200), values, values > 2)


def test_extracted_lobes_are_selected_and_concatenated_in_order():
    joined = ExtractedLobes.concatenate([extracted([4, 1]), extracted([3])])
    assert len(joined) == 3 and joined.device == CPU
    for lobes, numbers in (
        (joined, [4, 1, 3]),
        (joined.select([2, 0]), [3, 4]),
        (joined.select(range(1)), [4]),
    ):
        assert lobes.semi_infected_share.flatten().tolist() == numbers
        assert (lobes.features.patches.flatten() - 100).tolist() == numbers
        assert (lobes.features.distance.flatten() - 200).tolist() == numbers
        assert lobes.patch_in_lobe.flatten().tolist() == [number > 2 for number in numbers]
