"""Training batches: bags of slice lobes of several scans, drawn by seed and read as tensors."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from client.learning.augmentation import augment
from client.learning.frozen_features import FrozenFeatures
from client.learning.lobe_tensors import ExtractedLobes, LobeTensors
from client.learning.read_ahead import read_ahead
from preprocessing.store.lobe_store import LobeStore
from preprocessing.store.scan_record import LobeArrays, ScanRecord
from shared_model.sampling import draw_bag, scan_generator
from shared_model.study_stage import AugmentationConfig, StageConfig

SeedParts = tuple[int | str, ...]
"""What random draws are seeded with, besides a scan's key (shared_model.sampling.scan_generator)."""


@dataclass(frozen=True)
class Batch:
    """The bags of several scans, of equal size: `lobes` are those of scan 0, then of scan 1, ...

    lobes: as images, or as features already extracted; labels: one per scan; keys: the scans' anonymous
    keys in the store, which never leave the hospital.
    """

    lobes: LobeTensors | ExtractedLobes
    labels: tuple[str, ...]
    keys: tuple[str, ...]

    @property
    def scans(self) -> int:
        return len(self.labels)

    def has_label(self, *labels: str) -> Tensor:
        """bool [scan]: whether the scan has one of `labels`."""
        return torch.tensor([label in labels for label in self.labels], device=self.lobes.device)

    def repeat_per_lobe(self, per_scan: Tensor) -> Tensor:
        """A value per scan [scan], repeated for each of the scan's lobes: [n]."""
        return per_scan.repeat_interleave(len(self.lobes) // self.scans)


@dataclass(frozen=True)
class Bag:
    """Which lobes of a scan a batch contains, by index, and how they are augmented.

    seed_parts: seed of the random draws for this bag, together with the scan's key.
    """

    scan: ScanRecord
    lobes: tuple[int, ...]
    seed_parts: SeedParts
    augmentation: AugmentationConfig | None = None


def draw_batches(
    scans: Sequence[ScanRecord], stage: StageConfig, seed_parts: SeedParts, least_patients: int = 0
) -> list[list[Bag]]:
    """The batches of one round: `stage.epochs` passes over `scans`, each scan once per pass.

    A part of a pass also has scans of `least_patients` of each label. The batches of a pass are of nearly
    equal size. Order and jitter depend only on `seed_parts` and each scan's key.
    """
    batches = []
    for epoch in range(math.ceil(stage.epochs)):
        order = _shuffled(scans, (*seed_parts, epoch))
        taken = stage.scans_of_pass(epoch, len(order))
        order = _part_of_pass(order, taken, 0 if epoch else least_patients)
        count = math.ceil(len(order) / stage.scans_per_batch)
        bounds = [round(len(order) * i / count) for i in range(count + 1)]
        for start, stop in pairwise(bounds):
            batches.append([draw_scan_bag(scan, stage, (*seed_parts, epoch)) for scan in order[start:stop]])
    return batches


def draw_scan_bag(scan: ScanRecord, stage: StageConfig, seed_parts: SeedParts) -> Bag:
    """Nearly equidistant lobes of one scan; jitter depends only on `seed_parts` and the scan's key."""
    generator = scan_generator(*seed_parts, "bag", scan.key) if stage.jitter else None
    lobes = draw_bag(scan.slice_index, scan.side, stage.lobes_per_scan, generator)
    return Bag(scan, tuple(lobes.tolist()), seed_parts, stage.augmentation)


def read_batches(store: LobeStore, batches: Sequence[Sequence[Bag]], device: torch.device) -> Iterator[Batch]:
    """The batches as images on `device`; a thread reads the next batch while the current one is used."""

    def read(bags: Sequence[Bag]) -> Batch:
        arrays = [_fields(_read_bag(store, bag)) for bag in bags]
        joined = LobeArrays(*(np.concatenate(parts) for parts in zip(*arrays, strict=True)))
        return _batch(LobeTensors.from_arrays(joined, device), bags)

    yield from read_ahead(read, batches)


def frozen_feature_batches(features: FrozenFeatures, batches: Sequence[Sequence[Bag]]) -> Iterator[Batch]:
    """The batches as frozen features, without augmentation."""
    for bags in batches:
        lobes = ExtractedLobes.concatenate([features.read(bag.scan, bag.lobes) for bag in bags])
        yield _batch(lobes, bags)


def _batch(lobes: LobeTensors | ExtractedLobes, bags: Sequence[Bag]) -> Batch:
    return Batch(lobes, tuple(bag.scan.label for bag in bags), tuple(bag.scan.key for bag in bags))


def _shuffled(scans: Sequence[ScanRecord], seed_parts: SeedParts) -> list[ScanRecord]:
    return sorted(scans, key=lambda scan: (scan_generator(*seed_parts, "order", scan.key).random(), scan.key))


def _read_bag(store: LobeStore, bag: Bag) -> LobeArrays:
    arrays = store.read(bag.scan.key, bag.lobes)
    if bag.augmentation is None:
        return arrays
    return augment(arrays, bag.augmentation, scan_generator(*bag.seed_parts, "augment", bag.scan.key))


def _part_of_pass(order: Sequence[ScanRecord], taken: int, least_patients: int) -> list[ScanRecord]:
    """The first `taken` scans, and later ones of labels of which these have fewer patients than the least."""
    patients: dict[str, set[float]] = {}
    kept = []
    for index, scan in enumerate(order):
        seen = patients.setdefault(scan.label, set())
        if index < taken or len(seen) < least_patients:
            kept.append(scan)
            seen.add(scan.fold)
    return kept


def _fields(arrays: LobeArrays) -> tuple[np.ndarray, ...]:
    return arrays.images, arrays.mask, arrays.distance, arrays.semi_infection
