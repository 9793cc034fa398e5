"""The weakly supervised losses of 2.7, all computed from logits."""

import torch
import torch.nn.functional as F
from torch import Tensor

from shared_model.patches import COARSE, FINE, coarse_maximum_per_fine_patch

COARSE_LABEL_SHARE = 1 / 3  # of a coarse patch's pixels (2.7.2)
FINE_LABEL_SHARE = 3 / 4
CONCORDANT_SHARE = 0.8
DISCORDANT_WEIGHT = 0.1


def lobe_loss(lobe_logits: Tensor, positive: Tensor, top_share: float = 0.3) -> Tensor:
    """Eq. 3: cross entropy between each scan's label and its most positive lobes, mean over scans (2.7.1).

    lobe_logits: [scan, lobe]; positive: bool [scan]. The top lobes are used for negative scans too.
    """
    k = max(1, round(top_share * lobe_logits.shape[1]))
    top = lobe_logits.topk(k, dim=1).values
    target = positive[:, None].to(top.dtype).expand_as(top)
    return F.binary_cross_entropy_with_logits(top, target)


def coarse_labels(semi_infected: Tensor, diseased: Tensor) -> Tensor:
    """Fake labels of the coarse patches: bool [n, 32, 32].

    semi_infected: [n, 32, 32], semi-infected share of each patch; from a third on the patch is infected.
    diseased: bool [n]; healthy scans have no infection (2.7.2).
    """
    # Shares are multiples of 1/1296; half a step of tolerance keeps exactly a third above the threshold.
    infected = semi_infected >= COARSE_LABEL_SHARE - 0.5 / COARSE.size**2
    return infected & diseased[:, None, None]


def fine_labels(semi_infection: Tensor, diseased: Tensor, coarse_probability: Tensor) -> Tensor:
    """Fake labels of the fine patches: bool [n, 128, 128] (2.7.2).

    A fine patch is infected if more than 3/4 of its 6x6 pixels are semi-infected and a coarse patch that
    contains it has a predicted probability above 0.5.
    """
    share = FINE.share(semi_infection)
    dense = share > FINE_LABEL_SHARE + 0.5 / FINE.size**2
    return dense & (coarse_maximum_per_fine_patch(coarse_probability) > 0.5) & diseased[:, None, None]


def patch_loss(patch_logits: Tensor, infected: Tensor, diseased: Tensor, included: Tensor) -> Tensor:
    """Weighted mean cross entropy over patches, robust to wrong fake labels and balanced by eq. 4 (2.7.2).

    patch_logits: [n, 2, h, w]; infected: bool [n, h, w], fake labels; diseased: bool [n], lobes of diseased
    scans; included: bool [n, h, w], patches that enter the loss. Labels of healthy scans are certain and have
    weight 1. Of the patches of diseased scans, the 80 % whose labels agree best with the prediction have
    weight 1, the others 0.1. The result is 0 if no patch is included.
    """
    cross_entropy = F.cross_entropy(patch_logits, infected.long(), reduction="none")
    weight = patch_weights(cross_entropy.detach(), infected, diseased, included)
    return (weight * cross_entropy).sum() / weight.sum().clamp(min=DISCORDANT_WEIGHT)


def patch_weights(cross_entropy: Tensor, infected: Tensor, diseased: Tensor, included: Tensor) -> Tensor:
    """Weight of each patch, float [n, h, w], from its cross entropy, label and scan; 0 if not included.

    The paper ranks by the concordance score, the predicted probability of the given label; it decreases with
    the cross entropy.
    """
    weight = included.to(cross_entropy.dtype)
    uncertain = diseased[:, None, None] & included
    if not uncertain.any():
        return weight
    losses = cross_entropy[uncertain]
    concordant = max(1, round(CONCORDANT_SHARE * losses.numel()))
    limit = losses.kthvalue(concordant).values
    weight[uncertain] = torch.full_like(losses, DISCORDANT_WEIGHT).masked_fill(losses <= limit, 1.0)
    healthy_sum, infected_sum = weight[~infected].sum(), weight[infected].sum()
    if infected_sum > 0 and healthy_sum > 0:  # eq. 4; a batch with one class only is not balanced
        weight[infected] *= healthy_sum / infected_sum
    return weight


def concordance_loss(lobe_logits: Tensor, patch_logits: Tensor, included: Tensor) -> Tensor:
    """Mean squared difference between a lobe's probability and its most infected coarse patch's (2.7.3).

    lobe_logits: [n]; patch_logits: [n, 2, 32, 32]; included: bool [n], lobes of healthy and COVID-19 scans.
    The result is 0 if no lobe is included.
    """
    most_infected = patch_logits.softmax(dim=1)[:, 1].amax(dim=(1, 2))
    squared = (lobe_logits.sigmoid() - most_infected) ** 2
    return (squared * included).sum() / included.sum().clamp(min=1)
