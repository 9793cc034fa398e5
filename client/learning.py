"""One network through one round of batches: the losses of a stage, and the optimiser's steps (2.7)."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from client.batches import Batch
from client.lobe_tensors import LobeTensors, SeenLobes
from shared_model.config import Network, StageConfig
from shared_model.errors import PneumofedError
from shared_model.losses import coarse_labels, concordance_loss, fine_labels, lobe_loss, patch_loss
from shared_model.metrics import POSITIVE
from shared_model.networks import LobeNetwork, LobeOutput, LobeSight
from shared_model.protocol import is_trained


def train_network(
    network: LobeNetwork,
    task: Network,
    batches: Iterable[Batch],
    stage: StageConfig,
    *,
    learning_rate: float,
    dtype: torch.dtype,
    after_step: Callable[[], None] | None = None,
) -> float:
    """Take one step a batch and return the mean loss; activations in `dtype`, weights in float32.

    Raises PneumofedError `diverged` where the loss is not finite.
    """
    prepare(network, task, stage)
    trainable = [p for p in network.parameters() if p.requires_grad]
    optimizer = make_optimizer(trainable, stage, learning_rate)
    losses: list[Tensor] = []
    for batch in batches:
        optimizer.zero_grad(set_to_none=True)
        loss = stage_loss(network, task, batch, stage, dtype)
        if not torch.isfinite(loss):
            raise PneumofedError("diverged", "the loss is not finite; lower the learning rate of this stage")
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
        if after_step is not None:
            after_step()
    return float(torch.stack(losses).mean())


def stage_loss(
    network: LobeNetwork, task: Network, batch: Batch, stage: StageConfig, dtype: torch.dtype
) -> Tensor:
    """The stage's loss of one batch."""
    fine = stage.part == "fine"
    with torch.autocast(batch.lobes.device.type, dtype, enabled=dtype != torch.float32):
        sight = _sight(network, batch, fine=fine)
        output = network.decide(sight, fine=fine)
    return _fine_loss(output, batch) if fine else _lobe_stage_loss(output, task, batch, stage)


def _sight(network: LobeNetwork, batch: Batch, *, fine: bool) -> LobeSight:
    lobes = batch.lobes
    if isinstance(lobes, SeenLobes):
        return lobes.sight
    return network.see(lobes.images, lobes.distance, fine=fine)


def _lobe_stage_loss(output: LobeOutput, task: Network, batch: Batch, stage: StageConfig) -> Tensor:
    """Total = lobe + concordance + 0.01 x patches; the COVID network has the first alone (2.5, 2.7.4)."""
    positive = batch.has_label(*POSITIVE[task])
    total = lobe_loss(output.lobe.view(batch.scans, -1), positive, stage.top_share)
    if output.patch is None:
        return total
    if stage.patch_weight > 0:
        diseased = batch.of_lobes(batch.has_label("covid", "other"))
        infected = coarse_labels(batch.lobes.semi_infected, diseased)
        total = total + stage.patch_weight * patch_loss(output.patch, infected, diseased)
    if stage.concordance_weight > 0:
        concerned = batch.of_lobes(batch.has_label("healthy", "covid"))
        total = total + stage.concordance_weight * concordance_loss(output.lobe, output.patch, concerned)
    return total


def _fine_loss(output: LobeOutput, batch: Batch) -> Tensor:
    if output.patch is None or output.fine is None or not isinstance(batch.lobes, LobeTensors):
        raise ValueError("stage 2 trains the network with infection heads, on images")
    diseased = batch.of_lobes(batch.has_label("covid", "other"))
    coarse = output.patch.softmax(dim=1)[:, 1]
    infected = fine_labels(batch.lobes.semi_infection, diseased, coarse)
    return patch_loss(output.fine, infected, diseased)


def prepare(network: LobeNetwork, task: Network, stage: StageConfig) -> None:
    """Training mode for what the stage trains; the rest stays as it is and answers as in use."""
    network.train(stage.part != "fine")
    if network.fine_infection is not None:
        network.fine_infection.train(stage.part == "fine")
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(is_trained(f"{task}/{name}", stage))


def make_optimizer(parameters: list[nn.Parameter], stage: StageConfig, rate: float) -> torch.optim.Optimizer:
    if stage.optimizer == "sgd":
        return torch.optim.SGD(parameters, lr=rate)
    return torch.optim.Adam(parameters, lr=rate)
