"""Table 1 as code: the subnetworks, and the lobe network that joins them (2.4, 2.5, Fig. 2).

Shapes are [n, channels, rows, columns]; channel counts are the paper's times the width factor. Where weights
start is another matter: initial.py.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from shared_model.constants import FULL_SCALE, TASKS, Task
from shared_model.patches import COARSE
from shared_model.sparse_convolution import block_features
from shared_model.study import NetworkConfig

DISTANCE_SCALE = 128.0  # pixels: brings the Manhattan distance to about [0, 1]
# What VGG-16 was trained on (torchvision's means and deviations, averaged over its three channels).
INPUT_MEAN, INPUT_DEVIATION = 0.449, 0.226


def conv(inputs: int, outputs: int, size: int = 3, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, size, stride, padding=size // 2)


def upsample(inputs: int, outputs: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(inputs, outputs, 2, stride=2)


@dataclass(frozen=True)
class Channels:
    """Channel counts of Table 1 at a width factor.

    The hidden units of the lobe's and the patches' deciders are the paper's 64 at any width: they cost
    next to nothing, and few of them die all together (docs/decisions/0051).
    """

    pfe1: int
    pfe2: int
    patch: int
    vicinity: int
    fine: int
    hidden: int = 64

    @classmethod
    def at(cls, width: float) -> "Channels":
        c64, c128, c256 = (max(1, round(c * width)) for c in (64, 128, 256))
        return cls(pfe1=c64, pfe2=c128, patch=c256, vicinity=c64, fine=c64)

    @property
    def features(self) -> int:
        """Of a patch: its own and its vicinity's (2 x vicinity after the last concatenation)."""
        return self.patch + 2 * self.vicinity


class PatchFeatureExtractor(nn.Module):
    """[n, 3, 256, 256] -> patch features [n, 256, 32, 32], PFE1 [n, 64, 128, 128], PFE2 [n, 128, 64, 64]."""

    def __init__(self, c: Channels) -> None:
        super().__init__()
        self.block1 = self._block(3, c.pfe1)
        self.block2 = self._block(c.pfe1, c.pfe2)
        self.block3 = self._block(c.pfe2, c.patch)
        self.channels = c.patch

    @staticmethod
    def _block(inputs: int, outputs: int) -> nn.Sequential:
        # Table 1 has the second ReLU before the pooling. A maximum and a ReLU commute, and a quarter of the
        # pixels is cheaper to rectify.
        return nn.Sequential(
            conv(inputs, outputs), nn.ReLU(), conv(outputs, outputs), nn.MaxPool2d(2, 2), nn.ReLU()
        )

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        pfe1 = self.block1(images)
        pfe2 = self.block2(pfe1)
        return self.block3(pfe2), pfe1, pfe2

    def within_black(self, images: Tensor, black: float, *, every_block: bool) -> list[Tensor]:
        """The same for lobes in a border of value `black`, without convolving it: the patch features alone,
        or PFE1, PFE2 and the patch features."""
        blocks = self.block1, self.block2, self.block3
        return block_features(blocks, images, black=black, every_block=every_block)


class VicinityFeatureExtractor(nn.Module):
    """Encoder and decoder in U-Net style: [n, 256, 32, 32] -> [n, 128, 32, 32]."""

    def __init__(self, c: Channels) -> None:
        super().__init__()
        v = c.vicinity
        self.encode1 = conv(c.patch, v, size=1)
        self.encode2 = nn.Sequential(conv(v, v, stride=2), conv(v, v), nn.ReLU())
        self.encode3 = nn.Sequential(conv(v, v, stride=2), conv(v, v), nn.ReLU())
        self.decode2 = nn.Sequential(upsample(v, v), conv(v, v), nn.ReLU())
        self.decode1 = nn.Sequential(upsample(2 * v, v), conv(v, v), nn.ReLU())

    def forward(self, patches: Tensor) -> Tensor:
        vfe1 = self.encode1(patches)  # [n, 64, 32, 32]
        vfe2 = self.encode2(vfe1)  # [n, 64, 16, 16]
        up = self.decode2(self.encode3(vfe2))  # [n, 64, 16, 16]
        up = self.decode1(torch.cat([up, vfe2], dim=1))  # [n, 64, 32, 32]
        return torch.cat([up, vfe1], dim=1)


class PatchDecider(nn.Sequential):
    """Two logits for each patch: [n, features + 1, 32, 32] -> [n, 2, 32, 32].

    Table 1 gives the patch infection label decider and the bounded attention calculator the same layers.
    """

    def __init__(self, c: Channels, dropout: float) -> None:
        super().__init__(
            conv(c.features + 1, c.hidden, size=1), nn.ReLU(), nn.Dropout(dropout), conv(c.hidden, 2, size=1)
        )


class FineInfectionDecider(nn.Module):
    """Two logits for each 6x6 patch: [n, features + 1, 32, 32], PFE2, PFE1 -> [n, 2, 128, 128]."""

    def __init__(self, c: Channels, dropout: float) -> None:
        super().__init__()
        h = c.fine
        self.reduce = conv(c.features + 1, h, size=1)
        self.decode2 = nn.Sequential(upsample(h, h), conv(h, h), nn.ReLU())
        self.decode1 = nn.Sequential(upsample(h + c.pfe2, h), conv(h, h), nn.ReLU())
        self.decide = nn.Sequential(
            nn.Dropout(dropout),
            conv(h + c.pfe1, h, size=1),
            nn.ReLU(),
            nn.Dropout(dropout),
            conv(h, 2, size=1),
        )

    def forward(self, features: Tensor, pfe2: Tensor, pfe1: Tensor) -> Tensor:
        up = torch.cat([self.decode2(self.reduce(features)), pfe2], dim=1)  # [n, 192, 64, 64]
        up = torch.cat([self.decode1(up), pfe1], dim=1)  # [n, 128, 128, 128]
        out: Tensor = self.decide(up)
        return out


class LobeDecider(nn.Sequential):
    """One logit for the lobe: [n, features] -> [n, 1]. (One output with a softmax would be constant.)

    Each feature is taken as so many deviations from its mean, or the faint ones are learned from last
    (docs/decisions/0051). `mean` and `deviation` [features] are set by calibration and not trained; with them
    the decider makes the same functions.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, c: Channels, dropout: float) -> None:
        super().__init__(
            nn.Linear(c.features, c.hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(c.hidden, 1)
        )
        self.register_buffer("mean", torch.zeros(c.features))
        self.register_buffer("deviation", torch.ones(c.features))

    def forward(self, features: Tensor) -> Tensor:
        out: Tensor = super().forward((features - self.mean) / self.deviation)
        return out


@dataclass(frozen=True)
class LobeFeatures:
    """What the patch feature extractor sees in n lobes: all that the deciders need.

    patches: [n, 256, 32, 32]; near: [n, 32, 32], each patch's least distance to the periphery, scaled; pfe1:
    [n, 64, 128, 128] and pfe2: [n, 128, 64, 64], None where the fine infection decider will not be asked.
    """

    patches: Tensor
    near: Tensor
    pfe1: Tensor | None = None
    pfe2: Tensor | None = None


@dataclass(frozen=True)
class LobeOutput:
    """What the network says of n lobes; logits, in float32.

    lobe: [n]; attention: [n, 32, 32] in (0, 1); patch: [n, 2, 32, 32] and fine: [n, 2, 128, 128], channel 1
    is "infected"; both None where the network has no such head or was not asked.
    """

    lobe: Tensor
    attention: Tensor
    patch: Tensor | None
    fine: Tensor | None


class LobeNetwork(nn.Module):
    """The network of 2.4; without infection heads, the second network of 2.5."""

    def __init__(self, config: NetworkConfig, *, infection_heads: bool) -> None:
        super().__init__()
        c = Channels.at(config.width)
        self.pooling = config.pooling
        self.patch_features = PatchFeatureExtractor(c)
        self.vicinity_features = VicinityFeatureExtractor(c)
        self.attention = PatchDecider(c, config.dropout)
        self.lobe = LobeDecider(c, config.dropout)
        self.patch_infection = PatchDecider(c, config.dropout) if infection_heads else None
        self.fine_infection = FineInfectionDecider(c, config.dropout) if infection_heads else None

    def forward(self, images: Tensor, distance: Tensor, *, fine: bool = False) -> LobeOutput:
        """Judge n lobes.

        images: [n, 3, 256, 256] in 0..2048, the lobe's crop in slices i-1, i, i+1; distance: [n, 256, 256],
        Manhattan pixels to the lung's periphery, 0 outside; `fine` asks for the fine infection map too.
        """
        return self.decide(self.extract_whole(images, distance), fine=fine)

    def extract_whole(self, images: Tensor, distance: Tensor) -> LobeFeatures:
        """The first half of `forward`: what the patch feature extractor makes of the lobes."""
        patches, pfe1, pfe2 = self.patch_features(_normalised(images))
        return LobeFeatures(patches, _nearness(distance), pfe1, pfe2)

    def extract(self, images: Tensor, distance: Tensor, *, fine: bool = False) -> LobeFeatures:
        """The same without convolving the black round the lobes; `fine` asks for what the fine map needs."""
        black = float(_normalised(images.new_zeros(1)))
        *between, patches = self.patch_features.within_black(_normalised(images), black, every_block=fine)
        return LobeFeatures(patches, _nearness(distance), *between)

    def decide(self, extracted: LobeFeatures, *, fine: bool = False) -> LobeOutput:
        """The second half of `forward`."""
        features = torch.cat(
            [extracted.patches, self.vicinity_features(extracted.patches)], dim=1
        )  # [n, 384, 32, 32]
        near = extracted.near[:, None].to(features.dtype)
        with_distance = torch.cat([features, near], dim=1)  # [n, 385, 32, 32]

        attention = self.attention(with_distance).float().softmax(dim=1)[:, 1]
        patch = self.patch_infection(with_distance).float() if self.patch_infection is not None else None
        fine_logits = None
        if fine and self.fine_infection is not None:
            fine_logits = self.fine_infection(with_distance, extracted.pfe2, extracted.pfe1).float()
        lobe = self.lobe(self._pool(features, attention)).float()[:, 0]
        return LobeOutput(lobe, attention, patch, fine_logits)

    def decisions(self) -> list[nn.Module]:
        """The last layer of each decider: its two logits, or one."""
        deciders = (self.lobe, self.attention, self.patch_infection)
        last: list[nn.Module] = [decider[-1] for decider in deciders if decider is not None]
        return last if self.fine_infection is None else [*last, self.fine_infection.decide[-1]]

    def _pool(self, features: Tensor, attention: Tensor) -> Tensor:
        """Attention-weighted lobe features [n, 384], in float32 as the terms are many."""
        weighted = torch.einsum("nchw,nhw->nc", features.float(), attention)
        if self.pooling == "mean":
            return weighted / attention.sum(dim=(1, 2))[:, None]
        # The paper's sum in units of its initial attention, 1/2 a patch: the same functions, sane gradients.
        return weighted * (2 / attention[0].numel())


def _normalised(images: Tensor) -> Tensor:
    """0..2048 as VGG-16's first convolution expects its input."""
    return (images.float() / FULL_SCALE - INPUT_MEAN) / INPUT_DEVIATION


def _nearness(distance: Tensor) -> Tensor:
    """Least distance to the periphery in each coarse patch, scaled: [n, 256, 256] -> [n, 32, 32]."""
    return COARSE.minimum(distance.float()) / DISTANCE_SCALE


def make_networks(config: NetworkConfig) -> dict[Task, LobeNetwork]:
    """Both networks, for weights that are loaded into them."""
    return {network: LobeNetwork(config, infection_heads=network == "diseased") for network in TASKS}
