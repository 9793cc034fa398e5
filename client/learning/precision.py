"""In which numbers a device computes activations."""

from typing import Literal

import torch


def activation_dtype(wanted: Literal["float32", "bfloat16"], device: torch.device) -> torch.dtype:
    """`wanted`, or float32 where the device has no instructions for bfloat16.

    A processor without them emulates each operation: ten times slower than float32, and no more exact.
    """
    if wanted == "bfloat16" and _computes_bfloat16(device):
        return torch.bfloat16
    return torch.float32


def _computes_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    # torch has no public question for this; where a version lacks these, float32 is always right.
    questions = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return device.type == "cpu" and any(getattr(torch.cpu, name, bool)() for name in questions)
