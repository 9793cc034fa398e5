"""Whole scans through the networks, lobes in batches, so that memory does not grow with the scan."""

from collections.abc import Callable, Iterator, Mapping

import torch

from client.learning.lobe_tensors import LobeTensors
from preprocessing.store.scan_record import LobeArrays
from shared_model.constants import Task
from shared_model.networks import LobeFeatures, LobeNetwork, LobeOutput

LOBES_AT_ONCE = 32

ReadLobes = Callable[[list[int]], LobeArrays]
"""Lobes of one scan by their indices, from a store or from memory."""


def chunks(lobes: int) -> list[range]:
    """The batches of lobes that a scan is looked at in."""
    return [range(start, min(start + LOBES_AT_ONCE, lobes)) for start in range(0, lobes, LOBES_AT_ONCE)]


def extract_batches(
    network: LobeNetwork,
    read: ReadLobes,
    lobes: int,
    *,
    device: torch.device,
    dtype: torch.dtype,
    fine: bool = False,
) -> Iterator[tuple[range, LobeTensors, LobeFeatures]]:
    """What the network's extractor sees in all `lobes` lobes of a scan, in batches; activations in `dtype`.

    Yields the indices of the batch, its tensors and the features; `fine` as of LobeNetwork.extract.
    """
    for chunk in chunks(lobes):
        tensors = LobeTensors.of(read(list(chunk)), device)
        with torch.no_grad(), torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
            features = network.extract(tensors.images, tensors.distance, fine=fine)
        yield chunk, tensors, features


def decide(
    network: LobeNetwork, features: LobeFeatures, *, dtype: torch.dtype, fine: bool = False
) -> LobeOutput:
    """The network's word on lobes already seen, dropout off; `fine` asks for the fine infection map too."""
    network.eval()
    device = features.patches.device.type
    with torch.no_grad(), torch.autocast(device, dtype, enabled=dtype != torch.float32):
        return network.decide(features, fine=fine)


def group_by_extractor(networks: Mapping[Task, LobeNetwork]) -> list[tuple[Task, ...]]:
    """The networks in groups that have equal patch feature extractors: one look serves a group."""
    groups: list[tuple[Task, ...]] = []
    for name, network in networks.items():
        for index, group in enumerate(groups):
            if have_equal_extractors(network, networks[group[0]]):
                groups[index] = (*group, name)
                break
        else:
            groups.append((name,))
    return groups


def have_equal_extractors(one: LobeNetwork, other: LobeNetwork) -> bool:
    """Whether the patch feature extractors are equal, bit for bit."""
    pairs = zip(one.patch_features.parameters(), other.patch_features.parameters(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)
