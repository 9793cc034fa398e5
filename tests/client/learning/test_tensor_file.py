"""Tensors come back as they were written, or not at all."""

from pathlib import Path

import pytest
import torch

from client.learning.tensor_file import DamagedTensorsError, read_tensors, write_tensors

TENSORS = {
    "a": torch.arange(6, dtype=torch.float32).reshape(2, 3),
    "step": torch.tensor(3.0),
    "random": torch.arange(40, dtype=torch.uint8),
    "half": torch.ones(3, dtype=torch.bfloat16),
}


def test_they_come_back_with_what_was_said_of_them(tmp_path: Path) -> None:
    path = tmp_path / "t.safetensors"
    write_tensors(path, TENSORS, {"key": "k"})
    found, about = read_tensors(path)
    assert about == {"key": "k"} and found.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert found[name].dtype == tensor.dtype and torch.equal(found[name], tensor)
    assert path.stat().st_mode & 0o777 == 0o600


def test_every_flipped_byte_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "t.safetensors"
    write_tensors(path, TENSORS, {"key": "k"})
    content = path.read_bytes()
    for place in range(len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        try:
            found, about = read_tensors(path)
        except DamagedTensorsError:
            continue
        # Space in the header may change without a difference.
        assert about == {"key": "k"} and all(torch.equal(found[name], TENSORS[name]) for name in TENSORS)


def test_a_file_that_is_none_is_told_from_a_damaged_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_tensors(tmp_path / "none")
    (tmp_path / "t").write_bytes(b"half")
    with pytest.raises(DamagedTensorsError):
        read_tensors(tmp_path / "t")
