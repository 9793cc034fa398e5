"""The networks of Table 1: the subnetworks, and the lobe network built from them (2.4, 2.5, Fig. 2).

Shapes are [n, channels, rows, columns]; channel counts in docstrings are the paper's, times the width factor.
Weights are initialised in initial_weights.py.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from shared_model.constants import FULL_SCALE, TASKS, Task
from shared_model.patches import COARSE
from shared_model.scan_figures import FIGURES
from shared_model.scan_head import ScanHead
from shared_model.sparse_convolution import block_features
from shared_model.study import NetworkConfig

DISTANCE_SCALE = 128.0  # pixels: scales the Manhattan distance to about [0, 1]
# Input normalisation of VGG-16: torchvision's means and deviations, averaged over the three channels.
INPUT_MEAN, INPUT_DEVIATION = 0.449, 0.226


def conv(inputs: int, outputs: int, size: int = 3, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, size, stride, padding=size // 2)


def upsample(inputs: int, outputs: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(inputs, outputs, 2, stride=2)


@dataclass(frozen=True)
class Channels:
    """Channel counts of Table 1, times a width factor.

    The lobe and patch deciders keep the paper's 64 hidden units at any width: they cost little, and with
    fewer all units of a decider may be inactive (docs/decisions/0051).
    """

    pfe1: int
    pfe2: int
    patch: int
    vicinity: int
    fine: int
    hidden: int = 64

    @classmethod
    def at_width(cls, width: float) -> "Channels":
        c64, c128, c256 = (max(1, round(c * width)) for c in (64, 128, 256))
        return cls(pfe1=c64, pfe2=c128, patch=c256, vicinity=c64, fine=c64)

    @property
    def features(self) -> int:
        """Features of a patch: its own, and 2 x vicinity after the last concatenation."""
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
        # Table 1 has the second ReLU before the pooling. Max pooling and ReLU commute, and ReLU is cheaper
        # on a quarter of the pixels.
        return nn.Sequential(
            conv(inputs, outputs), nn.ReLU(), conv(outputs, outputs), nn.MaxPool2d(2, 2), nn.ReLU()
        )

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        pfe1 = self.block1(images)
        pfe2 = self.block2(pfe1)
        return self.block3(pfe2), pfe1, pfe2

    def sparse_forward(self, images: Tensor, black: float, *, every_block: bool) -> list[Tensor]:
        """`forward` for lobes within a border of value `black`, without convolving the border.

        Returns [patch features], or with `every_block` [PFE1, PFE2, patch features].
        """
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

    In Table 1 the patch infection label decider and the bounded attention calculator have the same layers.
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
    """One logit for the lobe: [n, features] -> [n, 1]. Table 1's softmax of one output would be constant.

    Features are standardised first, or those of small variance are learned last (docs/decisions/0051). Their
    `mean` and `deviation` [features] are set by layer_scaling and not trained; they do not change the set of
    functions that the decider can represent.
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
    """Output of the patch feature extractor for n lobes, and the distances: the input of all other layers.

    patches: [n, 256, 32, 32]; distance: [n, 32, 32], each patch's least distance to the periphery divided by
    DISTANCE_SCALE; pfe1: [n, 64, 128, 128] and pfe2: [n, 128, 64, 64], None unless needed for the fine
    infection map.
    """

    patches: Tensor
    distance: Tensor
    pfe1: Tensor | None = None
    pfe2: Tensor | None = None


@dataclass(frozen=True)
class LobeOutput:
    """Output of the network for n lobes in float32: logits, and attention.

    lobe: [n]; attention: [n, 32, 32] in (0, 1); patch: [n, 2, 32, 32] and fine: [n, 2, 128, 128], channel 1
    is "infected"; None if the network has no such head, or if the fine map was not requested.
    """

    lobe: Tensor
    attention: Tensor
    patch: Tensor | None
    fine: Tensor | None


class LobeNetwork(nn.Module):
    """The network of 2.4; without infection heads, the second network of 2.5."""

    def __init__(self, config: NetworkConfig, *, infection_heads: bool) -> None:
        super().__init__()
        c = Channels.at_width(config.width)
        self.pooling = config.pooling
        self.patch_features = PatchFeatureExtractor(c)
        self.vicinity_features = VicinityFeatureExtractor(c)
        self.attention = PatchDecider(c, config.dropout)
        self.lobe = LobeDecider(c, config.dropout)
        self.patch_infection = PatchDecider(c, config.dropout) if infection_heads else None
        self.fine_infection = FineInfectionDecider(c, config.dropout) if infection_heads else None
        self.scan_decision = ScanHead(len(FIGURES[config.scan_figures])) if config.scan_figures else None

    def forward(self, images: Tensor, distance: Tensor, *, fine: bool = False) -> LobeOutput:
        """Predict n lobes.

        images: [n, 3, 256, 256] in 0..2048, the lobe's crop in slices i-1, i, i+1; distance: [n, 256, 256],
        Manhattan distance in pixels to the lung's periphery, 0 outside the lobe; fine: also compute the fine
        infection map.
        """
        return self.decide(self.extract_dense(images, distance), fine=fine)

    def extract_dense(self, images: Tensor, distance: Tensor) -> LobeFeatures:
        """The first half of `forward`: patch features of the lobes, convolving the whole crop."""
        patches, pfe1, pfe2 = self.patch_features(_normalised(images))
        return LobeFeatures(patches, _patch_distance(distance), pfe1, pfe2)

    def extract(self, images: Tensor, distance: Tensor, *, fine: bool = False) -> LobeFeatures:
        """`extract_dense` without convolving the black border of the lobes; PFE1 and PFE2 only if `fine`."""
        black = float(_normalised(images.new_zeros(1)))
        *between, patches = self.patch_features.sparse_forward(_normalised(images), black, every_block=fine)
        return LobeFeatures(patches, _patch_distance(distance), *between)

    def decide(self, extracted: LobeFeatures, *, fine: bool = False) -> LobeOutput:
        """The second half of `forward`: attention, patch infection and lobe decision from patch features.

        Features of a smaller type are widened first: outside autocast, all that follows them is float32
        (docs/decisions/0053).
        """
        patches = extracted.patches.float()
        features = torch.cat([patches, self.vicinity_features(patches)], dim=1)  # [n, 384, 32, 32]
        with_distance = torch.cat([features, extracted.distance[:, None]], dim=1)  # [n, 385, 32, 32]

        attention = self.attention(with_distance).softmax(dim=1)[:, 1]
        patch = self.patch_infection(with_distance) if self.patch_infection is not None else None
        fine_logits = None
        if fine and self.fine_infection is not None:
            if extracted.pfe1 is None or extracted.pfe2 is None:
                raise ValueError("the fine infection map needs features extracted with `fine`")
            fine_logits = self.fine_infection(with_distance, extracted.pfe2.float(), extracted.pfe1.float())
        lobe = self.lobe(self._pool(features, attention))[:, 0]
        return LobeOutput(lobe, attention, patch, fine_logits)

    def output_layers(self) -> list[nn.Module]:
        """The last layer of each decider, which computes its logits."""
        deciders = (self.lobe, self.attention, self.patch_infection)
        last: list[nn.Module] = [decider[-1] for decider in deciders if decider is not None]
        return last if self.fine_infection is None else [*last, self.fine_infection.decide[-1]]

    def _pool(self, features: Tensor, attention: Tensor) -> Tensor:
        """Attention-weighted lobe features [n, 384]."""
        weighted = torch.einsum("nchw,nhw->nc", features, attention)
        if self.pooling == "mean":
            return weighted / attention.sum(dim=(1, 2))[:, None]
        # The paper's sum, divided by its initial attention of 1/2 per patch: the same set of functions, with
        # well-conditioned gradients.
        return weighted * (2 / attention[0].numel())


def _normalised(images: Tensor) -> Tensor:
    """Grey values 0..2048 normalised as the input of VGG-16."""
    return (images.float() / FULL_SCALE - INPUT_MEAN) / INPUT_DEVIATION


def _patch_distance(distance: Tensor) -> Tensor:
    """Least distance to the periphery in each coarse patch, scaled: [n, 256, 256] -> [n, 32, 32]."""
    return COARSE.patch_minimum(distance.float()) / DISTANCE_SCALE


def make_networks(config: NetworkConfig) -> dict[Task, LobeNetwork]:
    """Both networks, to load weights into."""
    return {network: LobeNetwork(config, infection_heads=network == "diseased") for network in TASKS}
