"""The device of a network, and the floating-point type of its activations there."""

from typing import Literal

import torch
from torch import nn


def device_of(network: nn.Module) -> torch.device:
    """The device that holds the network's parameters."""
    return next(network.parameters()).device


def autocast(device: torch.device, dtype: torch.dtype) -> torch.autocast:
    """A context in which activations are computed in `dtype`; float32 leaves operations as they are."""
    return torch.autocast(device.type, dtype, enabled=dtype != torch.float32)


def activation_dtype(wanted: Literal["float32", "bfloat16"], device: torch.device) -> torch.dtype:
    """`wanted`, or float32 if the device has no instructions for bfloat16.

    A processor without them emulates each operation: ten times slower than float32, and not more precise.
    """
    if wanted == "bfloat16" and _computes_bfloat16(device):
        return torch.bfloat16
    return torch.float32


def _computes_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    # torch has no public function for this; without these private ones, use float32.
    checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return device.type == "cpu" and any(getattr(torch.cpu, name, bool)() for name in checks)
