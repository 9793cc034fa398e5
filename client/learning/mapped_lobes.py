"""Room for lobes' features on disk instead of in memory: tensors over a file without a name."""

import mmap
import os
import tempfile
from pathlib import Path

import torch
from torch import Tensor

from client.learning.lobe_tensors import ExtractedLobes
from shared_model.errors import DISK_FULL, PneumofedError
from shared_model.patches import COARSE


def bytes_per_lobe(channels: int, dtype: torch.dtype) -> int:
    """Bytes of one lobe in ExtractedLobes with `channels` patch features of type `dtype`."""
    patch = channels * dtype.itemsize + 2 * torch.float32.itemsize + torch.bool.itemsize
    return COARSE.count**2 * patch


def mapped_lobes(count: int, channels: int, dtype: torch.dtype, folder: Path | None) -> ExtractedLobes:
    """Room for `count` lobes: ExtractedLobes on the CPU whose content is a file in `folder`.

    folder: None for the system's folder for temporary files. The file is unlinked as soon as it is made: the
    system frees its space when the tensors are gone or the process ends, also by SIGKILL. All its blocks are
    allocated here, as a disk that is full later would end the process with SIGBUS. Raises PneumofedError
    `disk-full`.
    """
    size = count * bytes_per_lobe(channels, dtype)
    with tempfile.TemporaryFile(dir=folder) as file:
        _allocate(file.fileno(), size)
        mapped = mmap.mmap(file.fileno(), size)
    tensors: list[Tensor] = []
    offset = 0
    for per_patch, kind in ((channels, dtype), (1, torch.float32), (1, torch.float32), (1, torch.bool)):
        numbers = count * per_patch * COARSE.count**2
        flat = torch.frombuffer(mapped, dtype=kind, count=numbers, offset=offset)
        tensors.append(flat.view(count, COARSE.count, COARSE.count, per_patch))
        offset += numbers * kind.itemsize
    patches, *others = tensors
    # Channels last as the features in memory: other strides could give other bits.
    return ExtractedLobes.of([patches.permute(0, 3, 1, 2), *(other[..., 0] for other in others)])


def _allocate(file: int, size: int) -> None:
    try:
        os.posix_fallocate(file, 0, size)
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        raise PneumofedError(
            "disk-full",
            f"the features of this hospital's scans need {size / 2**30:.1f} GiB in its folder for temporary "
            "files; free some space there and run it again",
        ) from None
