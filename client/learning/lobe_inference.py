"""Inference over whole scans, in batches of lobes, so that memory does not grow with the scan."""

from collections.abc import Callable, Iterator, Mapping

import torch

from client.learning.activation_dtype import autocast, device_of
from client.learning.lobe_tensors import LobeTensors
from preprocessing.store.scan_record import LobeArrays
from shared_model.constants import Task
from shared_model.networks import LobeFeatures, LobeNetwork, LobeOutput

LOBES_PER_BATCH = 32

ReadLobes = Callable[[list[int]], LobeArrays]
"""Reads lobes of one scan by their indices, from a store or from memory."""


def inference_batches(lobes: int) -> list[range]:
    """The indices of a scan's `lobes` lobes, in batches."""
    return [range(start, min(start + LOBES_PER_BATCH, lobes)) for start in range(0, lobes, LOBES_PER_BATCH)]


def extract_batches(
    network: LobeNetwork, read: ReadLobes, lobes: int, *, dtype: torch.dtype, fine: bool = False
) -> Iterator[tuple[range, LobeTensors, LobeFeatures]]:
    """Compute the features of all `lobes` lobes of a scan, in batches, with activations in `dtype`.

    Yields each batch's indices, tensors and features, on the network's device; `fine` as in
    LobeNetwork.extract.
    """
    device = device_of(network)
    for batch in inference_batches(lobes):
        tensors = LobeTensors.from_arrays(read(list(batch)), device)
        yield batch, tensors, extract(network, tensors, dtype=dtype, fine=fine)


def extract(
    network: LobeNetwork, lobes: LobeTensors, *, dtype: torch.dtype, fine: bool = False
) -> LobeFeatures:
    """The features of lobes, without gradients, with activations in `dtype`."""
    with torch.no_grad(), autocast(lobes.device, dtype):
        return network.extract(lobes.images, lobes.distance, fine=fine)


def decide(network: LobeNetwork, features: LobeFeatures, *, fine: bool = False) -> LobeOutput:
    """The deciders' output in float32, without dropout; `fine` adds the fine infection map."""
    network.eval()
    with torch.no_grad():
        return network.decide(features, fine=fine)


def group_by_extractor(networks: Mapping[Task, LobeNetwork]) -> list[tuple[Task, ...]]:
    """The networks in groups with equal patch feature extractors, whose features can be shared."""
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
    """Whether the patch feature extractors are bit-identical."""
    pairs = zip(one.patch_features.parameters(), other.patch_features.parameters(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)
