"""Sparse convolution gives the features and gradients of the whole crop, from fewer pixels."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from shared_model.networks import LobeNetwork, PatchFeatureExtractor
from shared_model.rectangle import Rectangle, Span
from shared_model.sparse_convolution import block_features, foreground_rectangles
from shared_model.study import NetworkConfig

BLACK = -2.0
edges = st.integers(0, 256)
rectangles = st.tuples(edges, edges, edges, edges)


def network(**how) -> LobeNetwork:
    torch.manual_seed(3)
    made = LobeNetwork(NetworkConfig(width=1 / 16, init="random"), infection_heads=True)
    with torch.no_grad():  # biases that show where black was taken for zero
        for parameter in made.parameters():
            if parameter.ndim == 1:
                parameter.uniform_(-0.3, 0.3)
    return made.to(**how)


def lobes(boxes: list[tuple[int, int, int, int]], black: float, dtype: torch.dtype) -> Tensor:
    """Noise in each box (row, row, column, column), in either order, on black."""
    images = torch.full((len(boxes), 3, 256, 256), black, dtype=dtype)
    for image, (row0, row1, column0, column1) in zip(images, boxes, strict=True):
        part = image[:, min(row0, row1) : max(row0, row1), min(column0, column1) : max(column0, column1)]
        part.copy_(torch.rand(part.shape, dtype=dtype))
    return images


def blocks(extractor: PatchFeatureExtractor) -> list[torch.nn.Module]:
    return [extractor.block1, extractor.block2, extractor.block3]


@settings(max_examples=12)
@given(st.lists(rectangles, min_size=1, max_size=6), st.sampled_from([96, 256]))
def test_features_are_those_of_the_whole_crop(boxes, size) -> None:
    extractor = network(dtype=torch.float64).patch_features
    images = lobes(boxes, BLACK, torch.float64)[:, :, :size, :size]
    with torch.inference_mode():
        patches, pfe1, pfe2 = extractor(images)
        found = block_features(blocks(extractor), images, black=BLACK, every_block=True)
        (last,) = block_features(blocks(extractor), images, black=BLACK, every_block=False)
    for whole, skipped in zip([pfe1, pfe2, patches, patches], [*found, last], strict=True):
        torch.testing.assert_close(skipped, whole, rtol=0, atol=1e-12)


CORNERS = [(0, 40, 0, 30), (200, 256, 250, 256), (0, 256, 0, 256), (128, 128, 128, 128), (100, 101, 37, 38)]


@pytest.mark.parametrize("boxes", [CORNERS, [(30, 226, 64, 192)] * 5, [(128, 128, 128, 128)]])
def test_gradients_are_those_of_the_whole_crop(boxes) -> None:
    extractor = network(dtype=torch.float64).patch_features
    images = lobes(boxes, BLACK, torch.float64)
    whole, _, _ = extractor(images)
    weight = torch.rand(whole.shape, dtype=torch.float64)  # each patch of each lobe counts differently
    parameters = list(extractor.parameters())
    expected = torch.autograd.grad((whole * weight).sum(), parameters)
    (skipped,) = block_features(blocks(extractor), images, black=BLACK, every_block=False)
    found = torch.autograd.grad((skipped * weight).sum(), parameters)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)


def test_extract_and_decide_equal_forward() -> None:
    judge = network().eval()
    images = lobes([(20, 236, 50, 206), (90, 160, 100, 150)], 0, torch.float32) * 2048
    distance = torch.randint(0, 90, (2, 256, 256))
    with torch.inference_mode():
        whole = judge(images, distance, fine=True)
        skipped = judge.decide(judge.extract(images, distance, fine=True), fine=True)
        coarse = judge.extract(images, distance)
    torch.testing.assert_close(vars(skipped), vars(whole), rtol=1e-4, atol=1e-5)
    assert coarse.pfe1 is None and coarse.pfe2 is None


def test_less_than_half_of_the_pixels_is_convolved() -> None:
    """Else it would be exact and of no use."""
    extractor = network().patch_features
    convolved: list[int] = []
    for block in blocks(extractor):
        block.register_forward_hook(lambda _m, given, _o: convolved.append(given[0][:, 0].numel()))
    images = lobes([(56, 200, 72, 184)] * 4, BLACK, torch.float32)
    block_features(blocks(extractor), images, black=BLACK, every_block=False)
    assert sum(convolved) < 0.5 * 4 * (256**2 + 128**2 + 64**2)


def test_rectangles_contain_the_foreground_and_are_multiples_of_8() -> None:
    images = lobes([(17, 31, 8, 16), (0, 256, 255, 256), (5, 5, 5, 5)], BLACK, torch.float32)
    assert foreground_rectangles(images, BLACK) == [
        Rectangle(Span(16, 32), Span(8, 16)),
        Rectangle(Span(0, 256), Span(248, 256)),
        Rectangle(Span(128, 136), Span(128, 136)),
    ]
