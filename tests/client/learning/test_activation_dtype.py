"""bfloat16 only where the device computes in it."""

import pytest
import torch

from client.learning.activation_dtype import activation_dtype

CPU = torch.device("cpu")


@pytest.mark.parametrize("avx512, amx", [(False, False), (True, False), (False, True)])
def test_a_processor_without_bfloat16_computes_in_float32(monkeypatch, avx512, amx) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    expected = torch.bfloat16 if avx512 or amx else torch.float32
    assert activation_dtype("bfloat16", CPU) == expected
    assert activation_dtype("float32", CPU) == torch.float32
