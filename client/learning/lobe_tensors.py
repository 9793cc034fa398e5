"""Slice lobes on the device: as the networks take them, and as their extractor has seen them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from preprocessing.store.scan_record import LobeArrays
from shared_model.networks import LobeFeatures
from shared_model.patches import COARSE


@dataclass(frozen=True)
class LobeTensors:
    """n lobes as the networks take them: images float32 [n, 3, 256, 256] in 0..2048, else [n, 256, 256]."""

    images: Tensor
    distance: Tensor
    mask: Tensor
    semi_infection: Tensor

    def __len__(self) -> int:
        return len(self.images)

    @property
    def semi_infected(self) -> Tensor:
        """Semi-infected share of each coarse patch: [n, 32, 32] (2.7.2)."""
        return COARSE.share(self.semi_infection)

    @property
    def in_lobe(self) -> Tensor:
        """Coarse patches that hold some of the lobe: bool [n, 32, 32]."""
        return COARSE.share(self.mask) > 0

    @property
    def device(self) -> torch.device:
        return self.images.device

    @classmethod
    def of(cls, arrays: LobeArrays, device: torch.device) -> "LobeTensors":
        """The arrays of a store, on `device`."""
        # Values up to 2048 fit int16, which torch handles everywhere; uint16 it does not.
        images = torch.from_numpy(arrays.images.view(np.int16)).to(device).float()
        return cls(
            images=images.contiguous(memory_format=torch.channels_last),
            distance=torch.from_numpy(arrays.distance).to(device),
            mask=torch.from_numpy(arrays.mask).to(device),
            semi_infection=torch.from_numpy(arrays.semi_infection).to(device),
        )


@dataclass(frozen=True)
class ExtractedLobes:
    """n lobes as the deciders take them.

    features: what the extractor saw; semi_infected, in_lobe: [n, 32, 32], as of LobeTensors.
    """

    features: LobeFeatures
    semi_infected: Tensor
    in_lobe: Tensor

    def __len__(self) -> int:
        return len(self.semi_infected)

    @property
    def device(self) -> torch.device:
        return self.semi_infected.device

    def some(self, lobes: Sequence[int]) -> "ExtractedLobes":
        """Some of the lobes, by index."""
        index = list(lobes)
        features = LobeFeatures(self.features.patches[index], self.features.distance[index])
        return ExtractedLobes(features, self.semi_infected[index], self.in_lobe[index])

    @classmethod
    def joined(cls, parts: Sequence["ExtractedLobes"]) -> "ExtractedLobes":
        """The lobes of all parts, one after the other."""
        patches = torch.cat([part.features.patches for part in parts])
        distance = torch.cat([part.features.distance for part in parts])
        semi_infected = torch.cat([part.semi_infected for part in parts])
        return cls(
            LobeFeatures(patches, distance), semi_infected, torch.cat([part.in_lobe for part in parts])
        )
