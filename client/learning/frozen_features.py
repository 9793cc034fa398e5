"""Frozen patch features, computed once per scan, for the stages that train the deciders alone."""

from collections.abc import Sequence
from copy import deepcopy

import torch

from client.learning.lobe_inference import extract_batches, have_equal_extractors
from client.learning.lobe_tensors import ExtractedLobes
from preprocessing.store.lobe_store import LobeStore
from preprocessing.store.scan_record import ScanRecord
from shared_model.networks import LobeNetwork
from shared_model.patches import COARSE

MAX_BYTES = 4 << 30
"""The most memory that the features of one hospital may take."""


class FrozenFeatures:
    """The output of one patch feature extractor for some scans, computed when a scan is first asked for.

    A scan is always computed whole and in the batches of inference, so that neither the order of requests
    nor a restart changes a bit.
    """

    def __init__(
        self, network: LobeNetwork, store: LobeStore, scans: Sequence[ScanRecord], dtype: torch.dtype
    ) -> None:
        self._network, self._store, self._dtype = deepcopy(network), store, dtype
        self._features: dict[str, ExtractedLobes | None] = dict.fromkeys(scan.key for scan in scans)

    @classmethod
    def would_fit_in_memory(
        cls, network: LobeNetwork, scans: Sequence[ScanRecord], dtype: torch.dtype
    ) -> bool:
        """Whether the features of `scans` take at most MAX_BYTES."""
        channels = network.patch_features.channels
        per_patch = channels * dtype.itemsize + 2 * torch.float32.itemsize + torch.bool.itemsize
        per_lobe = COARSE.count**2 * per_patch
        return per_lobe * sum(len(scan.side) for scan in scans) <= MAX_BYTES

    def valid_for(self, network: LobeNetwork) -> bool:
        """Whether `network` would compute the same features."""
        return have_equal_extractors(network, self._network)

    def __contains__(self, scan: ScanRecord) -> bool:
        return scan.key in self._features

    def __getitem__(self, scan: ScanRecord) -> ExtractedLobes:
        """All lobes of a scan. Raises KeyError for a scan that is not among `scans`."""
        found = self._features[scan.key]
        if found is None:
            found = self._features[scan.key] = self._extract(scan)
        return found

    def _extract(self, scan: ScanRecord) -> ExtractedLobes:
        batches = extract_batches(
            self._network,
            lambda lobes: self._store.read(scan.key, lobes),
            len(scan.side),
            dtype=self._dtype,
        )
        return ExtractedLobes.concatenate(
            [
                ExtractedLobes(features, tensors.semi_infected_share, tensors.patch_in_lobe)
                for _, tensors, features in batches
            ]
        )
