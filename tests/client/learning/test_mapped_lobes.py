"""Lobes' features in a file: as they were put in, and no file left however the process ends."""

import os
import signal
import subprocess
import sys

import pytest
import torch

from client.learning.lobe_tensors import ExtractedLobes
from client.learning.mapped_lobes import bytes_per_lobe, mapped_lobes
from shared_model.errors import PneumofedError
from tests.support.processes import ROOT


def made_lobes(count: int, channels: int, dtype: torch.dtype) -> ExtractedLobes:
    draw = torch.Generator().manual_seed(count)

    def drawn(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=draw)

    patches = drawn(count, channels, 32, 32).to(dtype).contiguous(memory_format=torch.channels_last)
    flat = [drawn(count, 32, 32) for _ in range(3)]
    return ExtractedLobes.of([patches, flat[0], flat[1], flat[2] > 0])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_what_was_put_in_comes_out_bit_for_bit_and_in_the_same_order_of_memory(tmp_path, dtype):
    first, second = made_lobes(3, 5, dtype), made_lobes(2, 5, dtype)
    rooms = mapped_lobes(5, 5, dtype, tmp_path).split([3, 2])
    for room, lobes in zip(rooms, (first, second), strict=True):
        room.copy_(lobes)
    for room, lobes in zip(rooms, (first, second), strict=True):
        for found, expected in zip(room.select([1, 0]).tensors, lobes.select([1, 0]).tensors, strict=True):
            assert found.dtype == expected.dtype and found.stride() == expected.stride()
            assert torch.equal(found, expected)


def test_the_bytes_are_those_of_the_tensors():
    lobes = made_lobes(4, 7, torch.bfloat16)
    assert 4 * bytes_per_lobe(7, torch.bfloat16) == sum(tensor.nbytes for tensor in lobes.tensors)


FILLER = """
import os, sys, torch
from pathlib import Path
from client.learning.mapped_lobes import mapped_lobes
lobes = mapped_lobes(8, 64, torch.float32, Path(sys.argv[1]))
lobes.features.patches.fill_(1)
print("full", flush=True)
sys.stdin.read()
"""


def test_a_process_that_is_killed_leaves_no_file(tmp_path):
    command = [sys.executable, "-c", FILLER, str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as filler:
        assert filler.stdout.readline() == "full\n"
        held = [os.readlink(f"/proc/{filler.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{filler.pid}/fd")]
        assert any(name.startswith(str(tmp_path)) and name.endswith("(deleted)") for name in held)
        filler.send_signal(signal.SIGKILL)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("code", ["ENOSPC", "EDQUOT", "EFBIG"])
def test_a_full_disk_is_an_error_before_anything_is_computed(tmp_path, monkeypatch, code):
    import errno

    def full(*_):
        raise OSError(getattr(errno, code), "no space", str(tmp_path))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(PneumofedError) as caught:
        mapped_lobes(1000, 64, torch.float32, tmp_path)
    assert caught.value.code == "disk-full" and "0.3 GiB" in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_a_disk_that_cannot_hold_it_really_refuses(tmp_path):
    with pytest.raises(PneumofedError) as caught:
        mapped_lobes(10**9, 256, torch.float32, tmp_path)  # 10^15 bytes
    assert caught.value.code == "disk-full"
