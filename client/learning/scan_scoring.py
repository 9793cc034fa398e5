"""The networks' decisions on all lobes of whole scans, from which scans are decided (scan_logits.py)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from client.learning.activation_dtype import device_of
from client.learning.frozen_features import FrozenFeatures
from client.learning.lobe_inference import decide, extract, group_by_extractor, inference_batches
from client.learning.lobe_tensors import ExtractedLobes, LobeTensors
from client.learning.read_ahead import read_ahead
from preprocessing.store.lobe_store import LobeStore
from preprocessing.store.scan_record import ScanRecord
from shared_model.constants import Task
from shared_model.networks import LobeFeatures, LobeNetwork
from shared_model.scan_figures import ScanLobes

Request = tuple[ScanRecord, Sequence[Task]]
"""A scan, and the tasks whose networks shall decide on it, at least one."""


@dataclass(frozen=True)
class LobeDecisions:
    """What the networks say of all lobes of a scan, in the record's order of (slice, side).

    logits[task]: float32 [lobe], for each task of the request; infection: float32 [lobe, 32, 32], the
    probability that a coarse patch is infected, None if the diseased network was not asked; patch_in_lobe:
    bool [lobe, 32, 32], coarse patches that contain a part of the lobe.
    """

    scan: ScanRecord
    logits: dict[Task, NDArray[np.float32]]
    infection: NDArray[np.float32] | None
    patch_in_lobe: NDArray[np.bool_]

    @property
    def scan_lobes(self) -> ScanLobes:
        """What a scan is decided by."""
        scan = self.scan
        return ScanLobes(
            scan.slice_index,
            scan.side,
            scan.area,
            self.logits,
            self.infection,
            self.patch_in_lobe,
            scan.spacing_mm[0],
        )

    @classmethod
    def concatenate(cls, parts: Sequence["LobeDecisions"]) -> "LobeDecisions":
        """Of consecutive lobes of one scan."""
        infection = [part.infection for part in parts if part.infection is not None]
        return cls(
            parts[0].scan,
            {task: np.concatenate([part.logits[task] for part in parts]) for task in parts[0].logits},
            np.concatenate(infection) if infection else None,
            np.concatenate([part.patch_in_lobe for part in parts]),
        )


@dataclass(frozen=True)
class _Extractor:
    """Networks with equal patch feature extractors; known: features that these would compute."""

    tasks: tuple[Task, ...]
    known: FrozenFeatures | None

    def knows(self, scan: ScanRecord) -> bool:
        return self.known is not None and scan in self.known

    def known_lobes(self, scan: ScanRecord, lobes: range) -> ExtractedLobes | None:
        return self.known.read(scan, lobes) if self.known is not None and scan in self.known else None


@dataclass(frozen=True)
class ScanScorer:
    """Runs the networks over the scans of a store, extracting features with activations in `dtype`.

    frozen: features that are already known; used for a scan that they contain if the extractors are equal.
    """

    networks: Mapping[Task, LobeNetwork]
    store: LobeStore
    dtype: torch.dtype
    frozen: FrozenFeatures | None = None

    def decide(self, requests: Sequence[Request]) -> Iterator[LobeDecisions]:
        """The decisions on each scan, in the order asked for. Raises PneumofedError `store-damaged`.

        A scan is read once for all networks, in batches of lobes, each while the one before it is computed.
        """
        extractors = {tuple(tasks): self._extractors(tasks) for _, tasks in requests}
        asked = [(scan, extractors[tuple(tasks)]) for scan, tasks in requests]
        unread = [
            (scan.key, lobes)
            for scan, needed in asked
            if not all(extractor.knows(scan) for extractor in needed)
            for lobes in inference_batches(len(scan.side))
        ]
        with closing(read_ahead(self._read, unread)) as images:
            for scan, needed in asked:
                batches = inference_batches(len(scan.side))
                parts = [self._decide(scan, needed, lobes, images) for lobes in batches]
                yield LobeDecisions.concatenate(parts)

    def _extractors(self, tasks: Sequence[Task]) -> list[_Extractor]:
        groups = group_by_extractor({task: self.networks[task] for task in tasks})
        return [_Extractor(group, self._valid_features(self.networks[group[0]])) for group in groups]

    def _valid_features(self, network: LobeNetwork) -> FrozenFeatures | None:
        return self.frozen if self.frozen is not None and self.frozen.valid_for(network) else None

    def _read(self, lobes: tuple[str, range]) -> LobeTensors:
        key, batch = lobes
        device = device_of(next(iter(self.networks.values())))
        return LobeTensors.from_arrays(self.store.read(key, batch), device)

    def _decide(
        self,
        scan: ScanRecord,
        extractors: Sequence[_Extractor],
        lobes: range,
        images: Iterator[LobeTensors],
    ) -> LobeDecisions:
        """The decisions on a batch of lobes; `images` yields them, unless all extractors know the scan."""
        shown = cache(partial(next, images))
        logits: dict[Task, NDArray[np.float32]] = {}
        infection: NDArray[np.float32] | None = None
        for extractor in extractors:
            features, in_lobe = self._features(extractor, scan, lobes, shown)
            for task in extractor.tasks:
                output = decide(self.networks[task], features)
                logits[task] = output.lobe.cpu().numpy()
                if output.patch is not None:
                    infection = output.patch.softmax(dim=1)[:, 1].cpu().numpy()
        return LobeDecisions(scan, logits, infection, in_lobe.cpu().numpy())

    def _features(
        self, extractor: _Extractor, scan: ScanRecord, lobes: range, shown: Callable[[], LobeTensors]
    ) -> tuple[LobeFeatures, Tensor]:
        """The features of a batch of lobes, and which patches contain a part of the lobe."""
        known = extractor.known_lobes(scan, lobes)
        if known is not None:
            return known.features, known.patch_in_lobe
        features = extract(self.networks[extractor.tasks[0]], shown(), dtype=self.dtype)
        return features, shown().patch_in_lobe
