"""The loss of a batch in each stage of training (2.5, 2.7)."""

import torch
from torch import Tensor

from client.learning.activation_dtype import autocast
from client.learning.batches import Batch
from client.learning.lobe_tensors import ExtractedLobes, LobeTensors
from client.learning.training_context import TrainingContext
from shared_model.constants import POSITIVE
from shared_model.losses import coarse_labels, concordance_loss, fine_labels, lobe_loss, patch_loss
from shared_model.networks import LobeFeatures, LobeNetwork, LobeOutput
from shared_model.patches import FINE
from shared_model.study_stage import StageConfig


def stage_loss(network: LobeNetwork, batch: Batch, context: TrainingContext) -> Tensor:
    """The stage's loss of one batch, a float32 scalar: total loss (2.7.4), or of stage 2 or patches alone."""
    fine = context.stage.part == "fine"
    output = network.decide(_features(network, batch, context.dtype, fine=fine), fine=fine)
    if fine:
        return _stage_2_loss(output, batch, context.stage)
    if context.stage.part == "patches":
        return _coarse_patch_loss(output, batch, context.stage)
    return _stage_1_loss(output, batch, context)


def _features(network: LobeNetwork, batch: Batch, dtype: torch.dtype, *, fine: bool) -> LobeFeatures:
    """The extractor's output, of type `dtype`; all that follows it is float32."""
    lobes = batch.lobes
    if isinstance(lobes, ExtractedLobes):
        return lobes.features
    with autocast(lobes.device, dtype):
        return network.extract(lobes.images, lobes.distance, fine=fine)


def _stage_1_loss(output: LobeOutput, batch: Batch, context: TrainingContext) -> Tensor:
    """Lobe, concordance and 0.01 x patch loss; the COVID network has only the lobe loss (2.5, 2.7.4)."""
    stage = context.stage
    positive = batch.has_label(*POSITIVE[context.task])
    total = lobe_loss(output.lobe.view(batch.scans, -1), positive, stage.top_share)
    if output.patch is None:
        return total
    if stage.patch_weight > 0:
        total = total + stage.patch_weight * _coarse_patch_loss(output, batch, stage)
    if stage.concordance_weight > 0:
        concerned = batch.repeat_per_lobe(batch.has_label("healthy", "covid"))
        total = total + stage.concordance_weight * concordance_loss(output.lobe, output.patch, concerned)
    return total


def _coarse_patch_loss(output: LobeOutput, batch: Batch, stage: StageConfig) -> Tensor:
    """The patch loss of the coarse infection map (2.7.2)."""
    if output.patch is None:
        raise ValueError("patch infection is trained in the network that has infection deciders")
    diseased = _diseased_lobes(batch)
    infected = coarse_labels(batch.lobes.semi_infected_share, diseased)
    counted = batch.lobes.patch_in_lobe if stage.patches == "lobe" else torch.ones_like(infected)
    return patch_loss(output.patch, infected, diseased, counted)


def _stage_2_loss(output: LobeOutput, batch: Batch, stage: StageConfig) -> Tensor:
    """The patch loss of the fine infection map, with labels derived from the coarse one (2.5, 2.7.2)."""
    if output.patch is None or output.fine is None or not isinstance(batch.lobes, LobeTensors):
        raise ValueError("stage 2 trains the network that has infection deciders, from images")
    diseased = _diseased_lobes(batch)
    coarse = output.patch.softmax(dim=1)[:, 1]
    infected = fine_labels(batch.lobes.semi_infection, diseased, coarse)
    counted = FINE.share(batch.lobes.mask) > 0 if stage.patches == "lobe" else torch.ones_like(infected)
    return patch_loss(output.fine, infected, diseased, counted)


def _diseased_lobes(batch: Batch) -> Tensor:
    """bool [n]: lobes of diseased scans."""
    return batch.repeat_per_lobe(batch.has_label("covid", "other"))
