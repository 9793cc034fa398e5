"""Whole scans through a network, lobes in batches, so that memory does not grow with the scan."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from client.batches import LobeTensors
from preprocessing.store import LobeArrays
from shared_model.networks import LobeNetwork, LobeOutput

LOBES_AT_ONCE = 32

ReadLobes = Callable[[list[int]], LobeArrays]
"""Lobes of one scan by their indices, from a store or from memory."""


def each_output(
    network: LobeNetwork,
    read: ReadLobes,
    lobes: int,
    *,
    device: torch.device,
    dtype: torch.dtype,
    fine: bool = False,
) -> Iterator[tuple[range, LobeTensors, LobeOutput]]:
    """The network's word on all `lobes` lobes of a scan, in batches; activations in `dtype`.

    Yields the indices of the batch, its tensors and the output; `fine` asks for the fine infection map.
    """
    network.eval()
    for start in range(0, lobes, LOBES_AT_ONCE):
        chunk = range(start, min(start + LOBES_AT_ONCE, lobes))
        tensors = LobeTensors.of(read(list(chunk)), device)
        with torch.inference_mode(), torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
            output = network(tensors.images, tensors.distance, fine=fine)
        yield chunk, tensors, output


def lobe_logits(
    network: LobeNetwork, read: ReadLobes, lobes: int, *, device: torch.device, dtype: torch.dtype
) -> NDArray[np.float32]:
    """The lobe logits [lobe] of a whole scan."""
    outputs = each_output(network, read, lobes, device=device, dtype=dtype)
    return torch.cat([output.lobe for _, _, output in outputs]).cpu().numpy()
