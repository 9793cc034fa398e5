"""Named tensors in a safetensors file with a checksum: a flipped bit is noticed, nothing is pickled."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from shared_model.files import write_atomically

_CHECKSUM = "sha256"


class DamagedTensorsError(Exception):
    """The file cannot be read, or does not hold what was written."""


def write_tensors(path: Path, tensors: Mapping[str, Tensor], about: Mapping[str, str]) -> None:
    """Write `tensors` and texts `about` them, whole or not at all, for the owner alone to read."""
    metadata = {**about, _CHECKSUM: _checksum(tensors, about)}
    write_atomically(path, save(dict(tensors), metadata), mode=0o600)


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors, on the CPU, and texts that `write_tensors` wrote.

    Raises DamagedTensorsError, FileNotFoundError.
    """
    try:
        with safe_open(path, framework="pt") as file:
            about = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name) for name in list(file.keys())}
    except SafetensorError as error:
        raise DamagedTensorsError from error
    if about.pop(_CHECKSUM, None) != _checksum(tensors, about):
        raise DamagedTensorsError
    return tensors, about


def _checksum(tensors: Mapping[str, Tensor], about: Mapping[str, str]) -> str:
    """SHA-256 of texts, and of names, types, shapes and bytes of all tensors, as hex digits."""
    digest = hashlib.sha256(repr(sorted(about.items())).encode())
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
