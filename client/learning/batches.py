"""Batches for training: bags of slice lobes of several scans, as tensors on the device."""

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from client.learning.augmentation import augment
from client.learning.frozen_features import FrozenFeatures
from client.learning.lobe_tensors import ExtractedLobes, LobeTensors
from preprocessing.store.lobe_store import LobeStore
from preprocessing.store.scan_record import LobeArrays, ScanRecord
from shared_model.sampling import draw_bag, scan_generator
from shared_model.study_stage import AugmentationConfig, StageConfig


@dataclass(frozen=True)
class Batch:
    """Bags of `scans` scans; `lobes`, as images or as already seen, are scan 0's lobes, then scan 1's, ...

    keys: the scans' anonymous keys in the store, which stay in the hospital.
    """

    lobes: LobeTensors | ExtractedLobes
    labels: tuple[str, ...]
    keys: tuple[str, ...]

    @property
    def scans(self) -> int:
        return len(self.labels)

    def has_label(self, *labels: str) -> Tensor:
        """bool [scan]: the scan has one of `labels`."""
        return torch.tensor([label in labels for label in self.labels], device=self.lobes.device)

    def of_lobes(self, per_scan: Tensor) -> Tensor:
        """A value per scan [scan], repeated for each of the scan's lobes [n]."""
        return per_scan.repeat_interleave(len(self.lobes) // self.scans)


@dataclass(frozen=True)
class Bag:
    """Which lobes of a scan a batch holds, by index, and how they are changed.

    seed_parts: of the random draws for this bag, with the study's key.
    """

    study: ScanRecord
    lobes: tuple[int, ...]
    seed_parts: tuple[int | str, ...]
    augmentation: AugmentationConfig | None = None


def draw_batches(
    studies: Sequence[ScanRecord], stage: StageConfig, seed_parts: tuple[int | str, ...]
) -> list[list[Bag]]:
    """The batches of one round: `stage.epochs` passes over `studies`, each scan once a pass.

    Batches of a pass are of nearly equal size. Order and jitter follow from `seed_parts` and each study's key
    alone.
    """
    batches = []
    for epoch in range(math.ceil(stage.epochs)):
        order = _shuffled(studies, (*seed_parts, epoch))
        order = order[: max(1, round(min(1.0, stage.epochs - epoch) * len(order)))]
        count = math.ceil(len(order) / stage.scans_per_batch)
        bounds = [round(len(order) * i / count) for i in range(count + 1)]
        for start, stop in pairwise(bounds):
            batches.append([draw_bag_of(study, stage, (*seed_parts, epoch)) for study in order[start:stop]])
    return batches


def read_batches(store: LobeStore, batches: Sequence[Sequence[Bag]], device: torch.device) -> Iterator[Batch]:
    """The batches as tensors; the next one is read while the present one is used."""

    def read(bags: Sequence[Bag]) -> Batch:
        arrays = [_fields(_read(store, bag)) for bag in bags]
        joined = LobeArrays(*(np.concatenate(parts) for parts in zip(*arrays, strict=True)))
        return _batch_of(LobeTensors.of(joined, device), bags)

    with ThreadPoolExecutor(max_workers=1) as reader:
        upcoming = [reader.submit(read, bags) for bags in batches[:1]]
        for following in [*batches[1:], None]:
            if not upcoming:
                return
            batch = upcoming.pop().result()
            if following is not None:
                upcoming.append(reader.submit(read, following))
            yield batch


def batches_of_features(features: FrozenFeatures, batches: Sequence[Sequence[Bag]]) -> Iterator[Batch]:
    """The batches as their lobes were seen by an extractor that rests."""
    for bags in batches:
        lobes = ExtractedLobes.joined([features.of(bag.study).some(bag.lobes) for bag in bags])
        yield _batch_of(lobes, bags)


def _batch_of(lobes: LobeTensors | ExtractedLobes, bags: Sequence[Bag]) -> Batch:
    return Batch(lobes, tuple(bag.study.label for bag in bags), tuple(bag.study.key for bag in bags))


def _shuffled(studies: Sequence[ScanRecord], seed_parts: tuple[int | str, ...]) -> list[ScanRecord]:
    return sorted(studies, key=lambda s: (scan_generator(*seed_parts, "order", s.key).random(), s.key))


def draw_bag_of(study: ScanRecord, stage: StageConfig, seed_parts: tuple[int | str, ...]) -> Bag:
    """The lobes of one scan, near-equidistant, as `seed_parts` and its key have them."""
    generator = scan_generator(*seed_parts, "bag", study.key) if stage.jitter else None
    lobes = draw_bag(study.slice_index, study.side, stage.lobes_per_scan, generator)
    return Bag(study, tuple(lobes.tolist()), seed_parts, stage.augmentation)


def _read(store: LobeStore, bag: Bag) -> LobeArrays:
    arrays = store.read(bag.study.key, bag.lobes)
    if bag.augmentation is None:
        return arrays
    return augment(arrays, bag.augmentation, scan_generator(*bag.seed_parts, "augment", bag.study.key))


def _fields(arrays: LobeArrays) -> tuple[np.ndarray, ...]:
    return arrays.images, arrays.mask, arrays.distance, arrays.semi_infection
