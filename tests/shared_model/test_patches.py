"""Which pixels a patch sees, proved by gradients, and the way back to pixels."""

import numpy as np
import pytest
import torch

from shared_model.networks import LobeNetwork
from shared_model.patches import COARSE, FINE, PatchMesh
from shared_model.study import NetworkConfig
from tests.reference import scan as literal


def seen_pixels(features: torch.Tensor, images: torch.Tensor) -> tuple[int, int, int, int]:
    """Bounding box (row0, column0, row1, column1) of the pixels that the scalar feature depends on."""
    (gradient,) = torch.autograd.grad(features, images, retain_graph=True)
    rows, columns = gradient.abs().sum(dim=(0, 1)).nonzero(as_tuple=True)
    return int(rows.min()), int(columns.min()), int(rows.max()) + 1, int(columns.max()) + 1


def test_the_patch_extractor_sees_36x36_pixels_8_apart() -> None:
    network = LobeNetwork(NetworkConfig(width=1 / 16, init="random"), infection_heads=True).double()
    images = torch.rand(1, 3, 256, 256, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    images.requires_grad_()
    torch.manual_seed(1)
    for parameter in network.patch_features.parameters():
        torch.nn.init.uniform_(parameter, 0.01, 0.1)  # positive: no ReLU cuts a path
    # Max pooling passes one winner's gradient: the mean instead shows all that could win.
    for block in (
        network.patch_features.block1,
        network.patch_features.block2,
        network.patch_features.block3,
    ):
        block[3] = torch.nn.AvgPool2d(2, 2)
    features, _, _ = network.patch_features(images)
    for r, c in [(0, 0), (3, 17), (16, 16), (31, 31), (30, 1)]:
        rows, columns = COARSE.pixels(r), COARSE.pixels(c)
        expected = (rows.start, columns.start, rows.stop, columns.stop)
        assert seen_pixels(features[0, :, r, c].sum(), images) == expected
    assert COARSE.pixels(10) == slice(8 * 10 - 14, 8 * 10 + 22)


def test_pfe1_under_a_fine_patch_sees_6x6_pixels_2_apart() -> None:
    """The fine decider's last skip connection, PFE1, has the fine mesh: 6x6 pixels, stride 2."""
    network = LobeNetwork(NetworkConfig(width=1 / 16, init="random"), infection_heads=True).double()
    block = network.patch_features.block1
    for parameter in block.parameters():
        torch.nn.init.uniform_(parameter, 0.01, 0.1)
    block[3] = torch.nn.AvgPool2d(2, 2)
    images = torch.rand(1, 3, 256, 256, dtype=torch.float64).requires_grad_()
    pfe1 = block(images)
    for r, c in [(0, 0), (1, 64), (127, 127), (50, 3)]:
        rows, columns = FINE.pixels(r), FINE.pixels(c)
        expected = (rows.start, columns.start, rows.stop, columns.stop)
        assert seen_pixels(pfe1[0, :, r, c].sum(), images) == expected
    assert FINE.pixels(10) == slice(2 * 10 - 2, 2 * 10 + 4)


@pytest.mark.parametrize("mesh", [COARSE, FINE])
def test_share_and_minimum_over_each_patch(mesh: PatchMesh) -> None:
    generator = np.random.default_rng(0)
    values = generator.integers(0, 200, (256, 256))
    padded = np.zeros((256 + 100, 256 + 100), values.dtype)
    padded[50:306, 50:306] = values
    share = mesh.share(torch.from_numpy(values[None] > 100))[0]
    least = mesh.patch_minimum(torch.from_numpy(values[None]).float())[0]
    for r, c in generator.integers(0, mesh.count, (200, 2)).tolist() + [[0, 0], [mesh.count - 1] * 2]:
        y, x = 50 + r * mesh.stride - mesh.margin, 50 + c * mesh.stride - mesh.margin
        window = padded[y : y + mesh.size, x : x + mesh.size]
        assert share[r, c].item() == pytest.approx((window > 100).mean(), abs=1e-6)
        assert least[r, c].item() == window.min()


@pytest.mark.parametrize("share", [0.002, 0.5])
@pytest.mark.parametrize("mesh", [COARSE, FINE])
def test_a_pixel_is_covered_by_any_of_its_patches(mesh: PatchMesh, share: float) -> None:
    chosen = torch.rand(1, mesh.count, mesh.count, generator=torch.Generator().manual_seed(3)) < share
    expected = literal.pixel_map(chosen[0].tolist(), mesh.count, mesh.size, mesh.stride, mesh.margin)
    np.testing.assert_array_equal(mesh.covered(chosen)[0].numpy(), np.array(expected, bool))
