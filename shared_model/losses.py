"""The weakly supervised losses of 2.7, all from logits."""

import torch
import torch.nn.functional as F
from torch import Tensor

from shared_model.patches import COARSE, FINE, covering_coarse

COARSE_LABEL_SHARE = 1 / 3  # of a coarse patch's pixels (2.7.2)
FINE_LABEL_SHARE = 3 / 4
CONCORDANT_SHARE = 0.8
DISCORDANT_WEIGHT = 0.1


def lobe_loss(lobe_logits: Tensor, positive: Tensor, top_share: float = 0.3) -> Tensor:
    """Eq. 3: cross entropy of each scan's label over its most positive lobes, mean over scans (2.7.1).

    lobe_logits: [scan, lobe]; positive: bool [scan]. For negative scans too the top lobes count.
    """
    k = max(1, round(top_share * lobe_logits.shape[1]))
    top = lobe_logits.topk(k, dim=1).values
    target = positive[:, None].to(top.dtype).expand_as(top)
    return F.binary_cross_entropy_with_logits(top, target)


def coarse_labels(semi_infected: Tensor, diseased: Tensor) -> Tensor:
    """Fake labels of the coarse patches: bool [n, 32, 32].

    semi_infected: [n, 32, 32], the semi-infected share of each patch; at least a third makes it infected.
    diseased: bool [n]; healthy scans have no infection (2.7.2).
    """
    # Shares are multiples of 1/1296; half a step of slack keeps exactly a third on the right side.
    infected = semi_infected >= COARSE_LABEL_SHARE - 0.5 / COARSE.size**2
    return infected & diseased[:, None, None]


def fine_labels(semi_infection: Tensor, diseased: Tensor, coarse_probability: Tensor) -> Tensor:
    """Fake labels of the fine patches: bool [n, 128, 128] (2.7.2).

    More than 3/4 of the 6x6 is semi-infected, and a coarse patch that contains it was given more than 0.5.
    """
    share = FINE.share(semi_infection)
    dense = share > FINE_LABEL_SHARE + 0.5 / FINE.size**2
    return dense & (covering_coarse(coarse_probability) > 0.5) & diseased[:, None, None]


def patch_loss(patch_logits: Tensor, infected: Tensor, diseased: Tensor, counted: Tensor) -> Tensor:
    """Cross entropy over patches, sceptical of the fake labels and balanced by eq. 4 (2.7.2).

    patch_logits: [n, 2, h, w]; infected: bool [n, h, w]; diseased: bool [n], lobes of diseased scans;
    counted: bool [n, h, w], the patches that have a say. The labels of healthy scans are certain and weigh 1.
    Among the patches of diseased scans the 80 % whose label the network believes most weigh 1, the others
    0.1. The result is the weighted mean; 0 where no patch is counted.
    """
    cross_entropy = F.cross_entropy(patch_logits, infected.long(), reduction="none")
    weight = patch_weights(cross_entropy.detach(), infected, diseased, counted)
    return (weight * cross_entropy).sum() / weight.sum().clamp(min=DISCORDANT_WEIGHT)


def patch_weights(cross_entropy: Tensor, infected: Tensor, diseased: Tensor, counted: Tensor) -> Tensor:
    """The weight of every patch: float [n, h, w] from its cross entropy, label and scan; 0 if not counted.

    The concordance score, the probability of the given label, falls as the cross entropy rises.
    """
    weight = counted.to(cross_entropy.dtype)
    doubtful = diseased[:, None, None] & counted
    if not doubtful.any():
        return weight
    losses = cross_entropy[doubtful]
    believed = max(1, round(CONCORDANT_SHARE * losses.numel()))
    limit = losses.kthvalue(believed).values
    weight[doubtful] = torch.full_like(losses, DISCORDANT_WEIGHT).masked_fill(losses <= limit, 1.0)
    healthy_sum, infected_sum = weight[~infected].sum(), weight[infected].sum()
    if infected_sum > 0 and healthy_sum > 0:  # eq. 4; a batch of one kind alone needs no balance
        weight[infected] *= healthy_sum / infected_sum
    return weight


def concordance_loss(lobe_logits: Tensor, patch_logits: Tensor, concerned: Tensor) -> Tensor:
    """Mean squared difference between a lobe's probability and its most infected coarse patch's (2.7.3).

    lobe_logits: [n]; patch_logits: [n, 2, 32, 32]; concerned: bool [n], lobes of healthy and COVID-19 scans.
    0 where no lobe is concerned.
    """
    most_infected = patch_logits.softmax(dim=1)[:, 1].amax(dim=(1, 2))
    squared = (lobe_logits.sigmoid() - most_infected) ** 2
    return (squared * concerned).sum() / concerned.sum().clamp(min=1)
