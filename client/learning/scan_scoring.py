"""The networks' decisions on all lobes of whole scans, and the scan logits that follow from them (2.6)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from client.learning.frozen_features import FrozenFeatures
from client.learning.lobe_inference import decide, extract_batches, group_by_extractor, inference_batches
from preprocessing.store.lobe_store import LobeStore
from preprocessing.store.scan_record import ScanRecord
from shared_model.constants import Task
from shared_model.networks import LobeFeatures, LobeNetwork
from shared_model.scan_decision import scan_logit
from shared_model.study import StudyConfig

Request = tuple[ScanRecord, Sequence[Task]]
"""A scan, and the tasks whose networks shall decide on it."""


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

    def scan_logits(self, study: StudyConfig) -> dict[Task, float]:
        """The scan's logit of each task, by the study's rule (2.6)."""
        return {
            task: scan_logit(lobes, self.scan.slice_index, self.scan.side, study.scan_share(task))
            for task, lobes in self.logits.items()
        }


@dataclass(frozen=True)
class ScanScorer:
    """Runs the networks over the scans of a store, with activations in `dtype`.

    frozen: features that are already known; used for a scan that they contain if the extractors are equal.
    """

    networks: Mapping[Task, LobeNetwork]
    store: LobeStore
    dtype: torch.dtype
    frozen: FrozenFeatures | None = None

    def decide(self, requests: Iterable[Request]) -> Iterator[LobeDecisions]:
        """The decisions on each scan, in the order asked for. Raises PneumofedError `store-damaged`."""
        for scan, tasks in requests:
            yield self._decide(scan, tasks)

    def _decide(self, scan: ScanRecord, tasks: Sequence[Task]) -> LobeDecisions:
        lobes: dict[Task, list[Tensor]] = {task: [] for task in tasks}
        infection: list[Tensor] = []
        in_lobe: list[Tensor] = []
        for group in group_by_extractor({task: self.networks[task] for task in tasks}):
            in_lobe.clear()  # the same for every group
            for features, patch_in_lobe in self._extract(self.networks[group[0]], scan):
                in_lobe.append(patch_in_lobe)
                for task in group:
                    output = decide(self.networks[task], features, dtype=self.dtype)
                    lobes[task].append(output.lobe)
                    if output.patch is not None:
                        infection.append(output.patch.softmax(dim=1)[:, 1])
        return LobeDecisions(
            scan,
            {task: _array(parts) for task, parts in lobes.items()},
            _array(infection) if infection else None,
            _array(in_lobe),
        )

    def _extract(self, network: LobeNetwork, scan: ScanRecord) -> Iterator[tuple[LobeFeatures, Tensor]]:
        """The features of all lobes of a scan, in batches, each with the patches that lie in the lobe."""
        if self.frozen is not None and scan in self.frozen and self.frozen.valid_for(network):
            known = self.frozen[scan]
            for batch in inference_batches(len(known)):
                lobes = known.select(batch)
                yield lobes.features, lobes.patch_in_lobe
            return
        read = partial(self.store.read, scan.key)
        for _, tensors, features in extract_batches(network, read, len(scan.side), dtype=self.dtype):
            yield features, tensors.patch_in_lobe


def _array(parts: Sequence[Tensor]) -> NDArray[Any]:
    return torch.cat(list(parts)).cpu().numpy()
