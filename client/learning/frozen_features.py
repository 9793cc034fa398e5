"""Frozen patch features, computed once per scan, for the stages that train the deciders alone."""

from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path

import torch

from client.learning.activation_dtype import device_of
from client.learning.lobe_inference import extract_batches, have_equal_extractors
from client.learning.lobe_tensors import ExtractedLobes
from client.learning.mapped_lobes import bytes_per_lobe, mapped_lobes
from preprocessing.store.lobe_store import LobeStore
from preprocessing.store.scan_record import ScanRecord
from shared_model.networks import LobeNetwork

MAX_BYTES = 4 << 30
"""The most memory that the features of one hospital may take; more are kept on disk."""


class FrozenFeatures:
    """The output of one patch feature extractor for some scans, computed when a scan is first asked for.

    A scan is always computed whole and in the batches of inference, so that neither the order of requests
    nor a restart changes a bit. Features are kept in memory, on the network's device, or all of them in
    a memory-mapped file (mapped_lobes.py) if they would take more than MAX_BYTES: the same bits.
    """

    def __init__(
        self,
        network: LobeNetwork,
        store: LobeStore,
        scans: Sequence[ScanRecord],
        dtype: torch.dtype,
        scratch: Path | None = None,
    ) -> None:
        """scratch: folder of the file; None: the system's for temporary files.

        Raises PneumofedError `disk-full`.
        """
        self._network, self._store, self._dtype = deepcopy(network), store, dtype
        self._scans = {scan.key for scan in scans}
        self._known: dict[str, ExtractedLobes] = {}
        self._rooms = self._rooms_on_disk(scans, scratch)

    def valid_for(self, network: LobeNetwork) -> bool:
        """Whether `network` would compute the same features."""
        return have_equal_extractors(network, self._network)

    def __contains__(self, scan: ScanRecord) -> bool:
        return scan.key in self._scans

    def read(self, scan: ScanRecord, lobes: Sequence[int]) -> ExtractedLobes:
        """Some lobes of a scan, on the network's device.

        Raises KeyError for a scan that is not among `scans`, PneumofedError `store-damaged`.
        """
        if scan not in self:
            raise KeyError(scan.key)
        if scan.key not in self._known:
            self._known[scan.key] = self._kept(scan, self._extract(scan))
        return self._known[scan.key].select(lobes).to(device_of(self._network))

    def _rooms_on_disk(
        self, scans: Sequence[ScanRecord], scratch: Path | None
    ) -> dict[str, ExtractedLobes] | None:
        """Room for each scan's features in a file; None if all fit in memory."""
        channels, counts = self._network.patch_features.channels, [len(scan.side) for scan in scans]
        if sum(counts) * bytes_per_lobe(channels, self._dtype) <= MAX_BYTES:
            return None
        rooms = mapped_lobes(sum(counts), channels, self._dtype, scratch).split(counts)
        return {scan.key: room for scan, room in zip(scans, rooms, strict=True)}

    def _kept(self, scan: ScanRecord, computed: ExtractedLobes) -> ExtractedLobes:
        """The features where they stay."""
        if self._rooms is None:
            return computed
        room = self._rooms[scan.key]
        room.copy_(computed)
        return room

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
