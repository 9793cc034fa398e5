"""Fails where a layer after the patch feature extractor computes in less than float32."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from shared_model.networks import LobeNetwork


@contextmanager
def no_bfloat16_in(network: LobeNetwork) -> Iterator[None]:
    """In the block, inputs and outputs of all layers but the patch feature extractor's are float32."""

    def check(layer: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        for value in (*inputs, output):
            assert value.dtype == torch.float32, f"{layer} has {value.dtype}"

    layers = [
        layer
        for name, layer in network.named_modules()
        if name and not name.startswith("patch_features") and not list(layer.children())
    ]
    hooks = [layer.register_forward_hook(check) for layer in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
