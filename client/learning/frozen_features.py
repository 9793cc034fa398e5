"""Patch features that rest: seen once a scan, for the stages that train the decision alone."""

from collections.abc import Sequence
from copy import deepcopy

import torch

from client.learning.lobe_inference import extract_batches, have_equal_extractors
from client.learning.lobe_tensors import ExtractedLobes
from preprocessing.store.lobe_store import LobeStore
from preprocessing.store.scan_record import ScanRecord
from shared_model.networks import LobeNetwork
from shared_model.patches import COARSE

MOST_BYTES = 4 << 30
"""What a hospital's features may take of memory."""


class FrozenFeatures:
    """What one patch feature extractor sees in some scans; a scan is looked at when first asked for.

    A scan is seen whole and in the batches of inference, so that neither the order of questions nor a
    restart changes a bit.
    """

    def __init__(
        self,
        network: LobeNetwork,
        store: LobeStore,
        studies: Sequence[ScanRecord],
        *,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self._network, self._store, self._device, self._dtype = deepcopy(network), store, device, dtype
        self._seen: dict[str, ExtractedLobes | None] = dict.fromkeys(study.key for study in studies)

    @classmethod
    def fit(cls, network: LobeNetwork, studies: Sequence[ScanRecord], dtype: torch.dtype) -> bool:
        """Whether the features of `studies` are small enough to be kept."""
        channels = network.patch_features.channels
        of_patch = channels * dtype.itemsize + 2 * torch.float32.itemsize + torch.bool.itemsize
        per_lobe = COARSE.count**2 * of_patch
        return per_lobe * sum(len(study.side) for study in studies) <= MOST_BYTES

    def serves(self, network: LobeNetwork) -> bool:
        """Whether `network` sees what this holds."""
        return have_equal_extractors(network, self._network)

    def __contains__(self, study: ScanRecord) -> bool:
        return study.key in self._seen

    def of(self, study: ScanRecord) -> ExtractedLobes:
        """All lobes of a scan."""
        seen = self._seen[study.key]
        if seen is None:
            seen = self._seen[study.key] = self._look(study)
        return seen

    def _look(self, study: ScanRecord) -> ExtractedLobes:
        batches = extract_batches(
            self._network,
            lambda lobes: self._store.read(study.key, lobes),
            len(study.side),
            device=self._device,
            dtype=self._dtype,
        )
        return ExtractedLobes.joined(
            [
                ExtractedLobes(features, tensors.semi_infected, tensors.in_lobe)
                for _, tensors, features in batches
            ]
        )
