"""Slice lobes as tensors on the device: images, or the features that an extractor computed of them."""

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
    """The networks' input for n lobes.

    images: float32 [n, 3, 256, 256] in 0..2048, channels last; distance: uint8 [n, 256, 256], pixels to the
    lung's periphery; mask, semi_infection: bool [n, 256, 256].
    """

    images: Tensor
    distance: Tensor
    mask: Tensor
    semi_infection: Tensor

    def __len__(self) -> int:
        return len(self.images)

    @property
    def semi_infected_share(self) -> Tensor:
        """Semi-infected share of each coarse patch: [n, 32, 32] (2.7.2)."""
        return COARSE.share(self.semi_infection)

    @property
    def patch_in_lobe(self) -> Tensor:
        """Coarse patches that contain a part of the lobe: bool [n, 32, 32]."""
        return COARSE.share(self.mask) > 0

    @property
    def device(self) -> torch.device:
        return self.images.device

    @classmethod
    def from_arrays(cls, arrays: LobeArrays, device: torch.device) -> "LobeTensors":
        """The arrays of a store, on `device`."""
        # Values up to 2048 fit int16, which torch supports everywhere; uint16 it does not.
        images = torch.from_numpy(arrays.images.view(np.int16)).to(device).float()
        return cls(
            images=images.contiguous(memory_format=torch.channels_last),
            distance=torch.from_numpy(arrays.distance).to(device),
            mask=torch.from_numpy(arrays.mask).to(device),
            semi_infection=torch.from_numpy(arrays.semi_infection).to(device),
        )


@dataclass(frozen=True)
class ExtractedLobes:
    """The deciders' input for n lobes.

    features: the extractors' output; semi_infected_share, patch_in_lobe: [n, 32, 32], as in LobeTensors.
    """

    features: LobeFeatures
    semi_infected_share: Tensor
    patch_in_lobe: Tensor

    def __len__(self) -> int:
        return len(self.semi_infected_share)

    @property
    def device(self) -> torch.device:
        return self.semi_infected_share.device

    def select(self, lobes: Sequence[int]) -> "ExtractedLobes":
        """The lobes with these indices, in this order."""
        index = list(lobes)
        return ExtractedLobes.of([tensor[index] for tensor in self.tensors])

    def split(self, counts: Sequence[int]) -> list["ExtractedLobes"]:
        """Views of consecutive lobes, so many each."""
        parts = zip(*(tensor.split(list(counts)) for tensor in self.tensors), strict=True)
        return [ExtractedLobes.of(part) for part in parts]

    def to(self, device: torch.device) -> "ExtractedLobes":
        """The lobes on `device`; no copy if they are there."""
        return ExtractedLobes.of([tensor.to(device) for tensor in self.tensors])

    def copy_(self, lobes: "ExtractedLobes") -> None:
        """Overwrite these with as many others."""
        for mine, theirs in zip(self.tensors, lobes.tensors, strict=True):
            mine.copy_(theirs)

    @property
    def tensors(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """What `of` takes."""
        features = self.features
        return features.patches, features.distance, self.semi_infected_share, self.patch_in_lobe

    @classmethod
    def of(cls, tensors: Sequence[Tensor]) -> "ExtractedLobes":
        """Of patches, distance, semi_infected_share and patch_in_lobe."""
        patches, distance, semi_infected_share, patch_in_lobe = tensors
        return cls(LobeFeatures(patches, distance), semi_infected_share, patch_in_lobe)

    @classmethod
    def concatenate(cls, parts: Sequence["ExtractedLobes"]) -> "ExtractedLobes":
        """The lobes of all parts, one part after the other."""
        return cls.of([torch.cat(tensors) for tensors in zip(*(part.tensors for part in parts), strict=True)])
